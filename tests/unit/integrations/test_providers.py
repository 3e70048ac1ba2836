"""The providers: each file says what its service documents, and the scopes know the same ones."""

from dataclasses import dataclass

import pytest

from ari.base.errors import NotFound
from ari.integrations.checks import parse_base_url, parse_key
from ari.integrations.model import Credential
from ari.integrations.providers import get_provider, providers
from ari.keys import scopes
from ari.keys.presets import PRESETS

TAIL = "0123456789abcdef" * 3


@dataclass(frozen=True)
class Expected:
    """The facts that a service documents: its keys' look, how they are sent, the test call, its paths for callers."""

    key: str
    header: tuple[str, str]
    test: str
    reached: str | None
    not_reached: str
    variable: str


EXPECTED = {
    "openai": Expected(
        f"sk-proj-{TAIL}",
        ("authorization", f"Bearer sk-proj-{TAIL}"),
        "https://api.openai.com/v1/models",
        "POST /v1/chat/completions",
        "GET /v1/files",
        "OPENAI_API_KEY",
    ),
    "anthropic": Expected(
        f"sk-ant-api03-{TAIL}",
        ("x-api-key", f"sk-ant-api03-{TAIL}"),
        "https://api.anthropic.com/v1/models",
        "POST /v1/messages",
        "POST /v1/messages/batches",
        "ANTHROPIC_API_KEY",
    ),
    "gemini": Expected(
        "AIzaSy" + "x" * 33,
        ("x-goog-api-key", "AIzaSy" + "x" * 33),
        "https://generativelanguage.googleapis.com/v1/models",
        "POST /v1beta/models/gemini-2.5-pro:streamGenerateContent",
        "POST /v1beta/models/gemini-2.5-pro:batchGenerateContent",
        "GEMINI_API_KEY",
    ),
    "openrouter": Expected(
        "sk-or-v1-" + "a1" * 32,
        ("authorization", "Bearer sk-or-v1-" + "a1" * 32),
        "https://openrouter.ai/api/v1/key",
        "POST /api/v1/chat/completions",
        "GET /api/v1/keys",
        "OPENROUTER_API_KEY",
    ),
    "mistral": Expected(
        "Ab1" * 10 + "xy",
        ("authorization", "Bearer " + "Ab1" * 10 + "xy"),
        "https://api.mistral.ai/v1/models",
        "POST /v1/embeddings",
        "POST /v1/files",
        "MISTRAL_API_KEY",
    ),
    "ollama": Expected(
        TAIL,
        ("authorization", f"Bearer {TAIL}"),
        "http://127.0.0.1:11434/api/tags",
        "POST /api/chat",
        "POST /api/pull",
        "OLLAMA_API_KEY",
    ),
    "openai_compatible": Expected(
        TAIL,
        ("authorization", f"Bearer {TAIL}"),
        "http://127.0.0.1:8000/v1/models",
        "POST /chat/completions",
        "POST /files",
        "OPENAI_COMPATIBLE_API_KEY",
    ),
    "resend": Expected(
        "re_Ab1Cd2Ef_" + "x1" * 12,
        ("authorization", "Bearer re_Ab1Cd2Ef_" + "x1" * 12),
        "https://api.resend.com/domains",
        None,
        "POST /emails",
        "RESEND_API_KEY",
    ),
    "groq": Expected(
        f"gsk_{TAIL}",
        ("authorization", f"Bearer gsk_{TAIL}"),
        "https://api.groq.com/openai/v1/models",
        "POST /openai/v1/chat/completions",
        "POST /openai/v1/batches",
        "GROQ_API_KEY",
    ),
    "deepseek": Expected(
        f"sk-{TAIL}",
        ("authorization", f"Bearer sk-{TAIL}"),
        "https://api.deepseek.com/user/balance",
        "POST /chat/completions",
        "GET /user/balance",
        "DEEPSEEK_API_KEY",
    ),
    "xai": Expected(
        f"xai-{TAIL}",
        ("authorization", f"Bearer xai-{TAIL}"),
        "https://api.x.ai/v1/api-key",
        "POST /v1/chat/completions",
        "GET /v1/api-key",
        "XAI_API_KEY",
    ),
    "perplexity": Expected(
        f"pplx-{TAIL}",
        ("authorization", f"Bearer pplx-{TAIL}"),
        "https://api.perplexity.ai/v1/async/sonar",
        "POST /chat/completions",
        "GET /v1/async/sonar",
        "PERPLEXITY_API_KEY",
    ),
    "elevenlabs": Expected(
        f"sk_{TAIL}",
        ("xi-api-key", f"sk_{TAIL}"),
        "https://api.elevenlabs.io/v1/user",
        "POST /v1/text-to-speech/JBFqnCBsd6RMkjVDRZzb/stream",
        "GET /v1/user",
        "ELEVENLABS_API_KEY",
    ),
}


def test_every_file_is_here() -> None:
    """A new provider's file comes with its line of this table; its name is that of the file."""
    assert set(providers()) == set(EXPECTED)
    assert list(providers())[-1] == "openai_compatible"
    assert all(name == provider.name for name, provider in providers().items())


@pytest.mark.parametrize("name", EXPECTED)
def test_a_provider_is_as_its_service_documents(name: str) -> None:
    """Its keys pass, go out in the right header, and are tried where that costs and changes nothing."""
    provider, expected = get_provider(name), EXPECTED[name]
    key = parse_key(provider, expected.key, owner_named=False)
    base_url = provider.base_url or provider.base_url_example
    assert base_url
    used = Credential(provider, base_url, "stored", owner_named=False, secret=key)
    assert used.headers == (expected.header,)
    assert (provider.trial.method, base_url + provider.trial.path) == ("GET", expected.test)
    assert provider.variable == expected.variable
    assert provider.keys_page.startswith("https://") or name == "openai_compatible"


@pytest.mark.parametrize("name", EXPECTED)
def test_callers_reach_the_models_and_not_the_account(name: str) -> None:
    """Method and path both count, and the whole path."""
    provider, expected = get_provider(name), EXPECTED[name]
    assert provider.is_ai == (expected.reached is not None)
    assert not provider.covers(*expected.not_reached.split(" "))
    if expected.reached is not None:
        method, path = expected.reached.split(" ")
        assert provider.covers(method, path)
        assert not provider.covers("DELETE", path)
        for other in (f"{path}/x", f"{path}?x", f"/x{path}", path[:-1], f"{path}\n"):
            assert not provider.covers(method, other)


@pytest.mark.parametrize("name", [name for name, provider in providers().items() if provider.base_url is not None])
def test_a_built_in_base_url_is_as_one_given(name: str) -> None:
    """https, no slash at its end; and written with the version, as other programs want it, it is the same."""
    provider = get_provider(name)
    assert provider.base_url
    assert provider.base_url.startswith("https://")
    assert parse_base_url(provider, f"{provider.base_url}{provider.dropped_ending}/") == provider.base_url


def test_unmistakable_shapes_differ() -> None:
    """No key of one service looks unmistakably like another's."""
    unmistakable = {one.name: one.shape for one in providers().values() if one.shape is not None and one.shape.telling}
    assert len(unmistakable) > 3
    for name, expected in EXPECTED.items():
        for other, shape in unmistakable.items():
            assert other == name or not shape.fits(expected.key), (name, other)


def test_the_scopes_name_the_same_providers() -> None:
    """Keys know nothing of integrations, so their list is kept alike by this; Resend is not for callers."""
    ai = {name for name, provider in providers().items() if provider.is_ai}
    assert set(scopes.AI_PROVIDERS) == ai
    assert {f"{kind}:{name}" for kind in ("ai", "ai-account") for name in ai} <= set(scopes.SCOPES)
    assert {"integrations:read", "integrations:write"} <= set(scopes.SCOPES)
    assert "ai:resend" not in scopes.SCOPES


def test_only_the_administrator_holds_every_provider_to_come() -> None:
    """No other preset contains ai:*, or anything of an account at a provider (security.md 36)."""
    for name, preset in PRESETS.items():
        assert scopes.holds(preset.scopes, "ai:*") == (name == "administrator")
        assert scopes.holds(preset.scopes, "ai-account:openai") == (name == "administrator")
    assert scopes.holds(PRESETS["ai-gateway"].scopes, "ai:openai")


def test_an_unknown_name() -> None:
    """It is not repeated."""
    with pytest.raises(NotFound, match="No such provider") as refused:
        get_provider("sk-pasted")
    assert "sk-pasted" not in str(refused.value)
