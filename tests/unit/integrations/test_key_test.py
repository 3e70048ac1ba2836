"""The verdict of a test call: from the response's status, and its mark if one status has two meanings."""

import asyncio

import pytest

from ari.integrations import model
from ari.integrations.key_test import TIMEOUT_SECONDS, judge_refusal, judge_response, run_key_test
from ari.integrations.model import Credential
from ari.integrations.ports import Probed
from ari.integrations.providers import get_provider

SECRET = "sk-proj-0123456789abcdefABCDEF"


def _credential(name: str, secret: str = SECRET) -> Credential:
    provider = get_provider(name)
    base_url = provider.base_url or provider.base_url_example
    assert base_url
    return Credential(provider, base_url, "stored", owner_named=False, secret=secret)


@pytest.mark.parametrize(
    ("provider", "status", "body", "outcome"),
    [
        ("openai", 200, b"{}", "works"),
        ("openai", 401, b'{"error": {"code": "invalid_api_key"}}', "rejected"),
        (
            "openai",
            401,
            b'{"error": {"message": "Missing scopes: api.model.read", "code": "missing_scope"}}',
            "restricted",
        ),
        ("openai_compatible", 401, b'{"error": "Come back on Monday"}', "rejected"),
        ("perplexity", 401, b'{"error": {"type": "insufficient_quota", "message": "No quota"}}', "restricted"),
        ("openai", 403, b'{"error": {"message": "Missing scopes: api.model.read"}}', "restricted"),
        ("openai", 429, b"", "unreachable"),
        ("openai", 500, b"", "unreachable"),
        ("openai", 302, b"", "unreachable"),
        ("openai", 404, b"", "unreachable"),
        ("anthropic", 401, b"", "rejected"),
        ("gemini", 400, b'{"error": {"details": [{"reason": "API_KEY_INVALID"}]}}', "rejected"),
        ("gemini", 400, b"{}", "unreachable"),
        ("openrouter", 402, b"", "restricted"),
        ("resend", 401, b'{"name": "restricted_api_key"}', "restricted"),
        ("resend", 401, b'{"name": "missing_api_key"}', "rejected"),
        ("resend", 403, b'{"name": "invalid_api_key"}', "rejected"),
        ("resend", 400, b'{"name": "validation_error", "message": "API key is invalid"}', "rejected"),
        ("xai", 400, b'{"error": "Incorrect API key provided: xa***"}', "rejected"),
        ("elevenlabs", 401, b'{"detail": {"status": "missing_permissions"}}', "restricted"),
        ("elevenlabs", 401, b'{"detail": {"status": "invalid_api_key"}}', "rejected"),
    ],
)
def test_what_a_response_means(provider: str, status: int, body: bytes, outcome: str) -> None:
    """The status is shown, the body never."""
    result = judge_response(_credential(provider), Probed(status, body))
    assert result.outcome == outcome
    assert outcome == "works" or str(status) in result.words
    assert SECRET not in result.words
    for piece in (b"invalid", b"Missing scopes", b"xa***", b"restricted_api_key"):
        assert piece.decode() not in result.words


@pytest.mark.parametrize(
    ("provider", "status", "body", "refuses"),
    [
        ("openai", 401, b'{"error": {"code": "invalid_api_key"}}', True),
        ("openai", 401, b'{"error": {"code": "missing_scope", "message": "Missing scopes: x"}}', False),
        ("openai", 401, b'{"error": "Come back on Monday"}', False),
        ("openai", 403, b'{"error": {"code": "invalid_api_key"}}', False),
        ("openai", 400, b'{"error": {"message": "Unknown model: Incorrect API key provided"}}', False),
        ("mistral", 401, b'{"detail": "Unauthorized"}', True),
        ("anthropic", 401, b"", True),
        ("elevenlabs", 401, b'{"detail": {"status": "quota_exceeded", "message": "x"}}', False),
        ("gemini", 400, b'{"error": {"details": [{"reason": "API_KEY_INVALID"}]}}', True),
        ("gemini", 400, b'{"error": {"message": "model API_KEY_INVALID is not there"}}', False),
        ("gemini", 500, b'{"error": {"details": [{"reason": "API_KEY_INVALID"}]}}', False),
        ("xai", 400, b'{"error": "Incorrect API key provided: xa***"}', True),
    ],
)
def test_a_refusal_at_any_other_call(provider: str, status: int, body: bytes, refuses: bool) -> None:
    """Only where the provider says so: the request may be at fault."""
    result = judge_refusal(_credential(provider), Probed(status, body))
    assert (result is not None and result.outcome == "rejected") is refuses


def test_no_response() -> None:
    """The fault is shown; the key may be as good as ever."""
    result = judge_response(_credential("openai"), Probed(None, fault="no response within 10 seconds"))
    assert result.outcome == "unreachable"
    assert result.words == "Couldn't reach OpenAI: no response within 10 seconds."
    assert not result.is_valid


def test_what_to_do_is_said() -> None:
    """The messages say where to make a new key or check the base URL, and that redirects are not followed."""
    assert "https://platform.openai.com/api-keys" in judge_response(_credential("openai"), Probed(401)).words
    assert "base URL; ARI appends /models to it" in judge_response(_credential("openai_compatible"), Probed(404)).words
    assert "a redirect that ARI doesn't follow" in judge_response(_credential("openai"), Probed(301)).words
    assert "requires a key" in judge_response(_credential("ollama", ""), Probed(401)).words
    assert judge_response(_credential("ollama", ""), Probed(200)).words == "Ollama responded."


def test_the_call_is_bounded() -> None:
    """Ten seconds, whatever the provider does."""
    asked = []

    class Recording:
        async def probe(self, credential: Credential, timeout_seconds: float) -> Probed:
            asked.append((credential.provider.name, timeout_seconds))
            return Probed(200)

    assert asyncio.run(run_key_test(Recording(), _credential("openai"))) == model.TestResult(
        "works", "OpenAI accepted the key."
    )
    assert asked == [("openai", TIMEOUT_SECONDS)] == [("openai", 10.0)]
