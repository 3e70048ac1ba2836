"""Which paths the templates of a provider cover, and what a credential shows."""

import pytest

from ari.integrations.model import Credential
from ari.integrations.ports import Probed
from ari.integrations.providers import get_provider, providers

SECRET = "sk-proj-0123456789abcdefABCDEF"


def test_a_template_takes_one_segment_unless_it_says_more() -> None:
    """A name with slashes, such as of a model, only where the service has such."""
    groq, openai = get_provider("groq"), get_provider("openai")
    assert groq.covers("GET", "/openai/v1/models/openai/gpt-oss-120b")
    assert not openai.covers("POST", "/v1/responses/a/b/cancel")
    assert not openai.covers("GET", "/v1/models/")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("elevenlabs", "/v1/user"),
        ("elevenlabs", "/v1/User/"),
        ("elevenlabs", "/v1/user;x=1"),
        ("elevenlabs", "//v1//user"),
        ("elevenlabs", "/v1/service-accounts/x/api-keys"),
        ("openai", "/v1/organization/admin_api_keys"),
        ("openai", "/v1/organization/admin_api_keys/key_1"),
        ("openai", "/v1/organization/projects/p/api_keys"),
        ("openai", "/v1/organization/projects/p/service_accounts"),
        ("anthropic", "/v1/organizations/api_keys"),
        ("openrouter", "/api/v1/keys"),
        ("openrouter", "/api/v1/keys/hash"),
        ("openrouter", "/api/v1/auth/keys"),
        ("perplexity", "/generate_auth_token"),
        ("openai_compatible", "/key/generate"),
        *(
            (name, f"/v1/realtime/{path}")
            for name in ("openai", "xai", "openai_compatible")
            for path in ("client_secrets", "sessions", "transcription_sessions", "Client_Secrets/")
        ),
        ("openai", "/v1/chatkit/sessions"),
        ("openai", "/v1/chatkit/sessions/cksess_1/cancel"),
        ("gemini", "/v1alpha/auth_tokens"),
        ("gemini", "/v1alpha/auth_tokens:create"),
        ("elevenlabs", "/v1/single-use-token/realtime_scribe"),
        ("elevenlabs", "/v1/convai/conversation/token"),
        ("openai_compatible", "/v1/auth/grant"),
    ],
)
def test_no_scope_covers_a_path_that_returns_keys(name: str, path: str) -> None:
    """However it is written."""
    assert get_provider(name).is_never_allowed(path)


def test_other_paths_may_be_called() -> None:
    """Nothing that a provider's file lists returns a key; neither does a name that holds the word."""
    for provider in providers().values():
        assert not [one for one in provider.reaches if provider.is_never_allowed(one.partition(" ")[2])]
    for path in ("/v1/user/subscription", "/v1/models/api_keys_model", "/v1/files/keys"):
        assert not get_provider("elevenlabs").is_never_allowed(path)


def test_a_credential_shows_no_secret() -> None:
    """Not in a traceback, not in a log."""
    used = Credential(get_provider("openai"), "https://api.openai.com", "stored", owner_named=True, secret=SECRET)
    assert SECRET not in repr(used)
    assert SECRET not in repr(Probed(200, SECRET.encode()))
    assert used.origin == "https://api.openai.com"


def test_each_key_of_each_provider_is_an_account() -> None:
    """Requests of different accounts share no connection, even at the same address."""
    url, (openai, groq) = "https://a.test", (get_provider("openai"), get_provider("groq"))
    one = Credential(openai, url, "stored", True, SECRET, 1)
    others = [
        Credential(groq, url, "stored", True, SECRET, 1),
        Credential(openai, url, "stored", True, SECRET + "x", 1),
        Credential(openai, url, "stored", True, SECRET, 1, key_id="k"),
        Credential(openai, url, "stored", True),
    ]
    assert len({one.account, *(other.account for other in others)}) == 5
    assert one.account == Credential(openai, url, "stored", True, SECRET, 1).account
