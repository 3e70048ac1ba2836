"""The scope of a request to a provider follows from its method and path (security.md 36)."""

import pytest

from ari.gateway.route import TEMPLATE, resolve_scope, target_of, target_of_raw


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/api/ai/openai/v1/chat/completions", "ai:openai"),
        ("POST", "/api/ai/anthropic/v1/messages", "ai:anthropic"),
        ("GET", "/api/ai/openai/v1/models", "ai:openai"),
        ("DELETE", "/api/ai/openai/v1/models/x", "ai-account:openai"),
        ("GET", "/api/ai/openai/v1/files", "ai-account:openai"),
        ("POST", "/api/ai/openai/v1/chat/completions/../files", "ai-account:openai"),
    ],
)
def test_listed_paths_take_the_plain_scope_and_all_others_the_wide_one(method: str, path: str, scope: str) -> None:
    """A key for inference must not read files or change the account."""
    found = resolve_scope(method, path)
    assert found.scope == scope
    assert found.template == f"/api/ai/{path.split('/')[3]}/{{path}}"


def test_a_mistyped_base_url_is_let_in_to_be_explained() -> None:
    """``checks.refuse`` looks at the scopes; without it the caller would only read that a scope is missing."""
    assert resolve_scope("POST", "/api/ai/openai/chat/completions").scope is None


@pytest.mark.parametrize("name", ["", "resend", "OpenAI", "open_ai", "models"])
def test_other_names_lead_nowhere(name: str) -> None:
    """Names that no upstream may have, and providers that are not for AI: Resend's key sends ARI's own email."""
    path = f"/api/ai/{name}/v1/models"
    assert target_of(path) is None
    assert resolve_scope("GET", path).template == TEMPLATE


def test_any_other_name_may_be_that_of_an_upstream() -> None:
    """Upstreams share one template, so invented names add no routes to the usage log."""
    found = resolve_scope("POST", "/api/ai/vllm-a/v1/chat/completions")
    assert found.scope == "ai:vllm-a"
    assert found.template == resolve_scope("POST", "/api/ai/nobody/v1/files").template == "/api/ai/{upstream}/{path}"


def test_the_path_is_forwarded_as_it_was_sent() -> None:
    """Decoding it would make it another path for the provider."""
    target = target_of_raw(b"/api/ai/openai/v1/models/a%2Fb\xe9")
    assert target is not None
    assert (target.provider.name, target.path) == ("openai", "/v1/models/a%2Fb\u00e9")
