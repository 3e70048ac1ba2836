"""Names of upstreams: none collides with a provider or a route, and each makes a provider of its own."""

import pytest

from ari.base.errors import Invalid, NotFound
from ari.integrations.providers import get_provider, providers
from ari.integrations.upstreams import (
    Upstream,
    find_provider,
    is_upstream_name,
    list_providers,
    make_upstream_provider,
    parse_title,
    parse_upstream_name,
)
from tests.unit.integrations.memory import MemoryIntegrationTransaction


@pytest.mark.parametrize("name", ["vllm-a", "a", "gpu2", "x" * 31, "together-eu"])
def test_a_name_of_an_upstream(name: str) -> None:
    """Lowercase letters, digits and hyphens, so it needs no escaping anywhere."""
    assert parse_upstream_name(f" {name} ") == name


@pytest.mark.parametrize(
    "name",
    [
        *providers(),
        *(name.replace("_", "-") for name in providers()),
        *("upstreams", "all", "models", "", "2x", "-a", "a_b", "A", "a.b", "a/b", "a b", "é", "x" * 32, "vllm\n"),
        *("\x00", "a:b", "*"),
    ],
)
def test_a_name_with_another_meaning(name: str) -> None:
    """A provider's, in either spelling, a route's, or one that needs escaping in a URL or a scope."""
    assert not is_upstream_name(name)
    if name.strip() == name or not is_upstream_name(name.strip()):
        with pytest.raises(Invalid):
            parse_upstream_name(name)


def test_an_upstream_is_a_provider(tx: MemoryIntegrationTransaction) -> None:
    """Found by its name, listed after the built-in ones, and OpenAI-compatible with or without ``/v1``."""
    tx.upstreams.save(Upstream("vllm-a", "vLLM A", 1, "usr_1"))
    found = find_provider(tx, "vllm-a")
    assert found is make_upstream_provider("vllm-a", "vLLM A")
    assert (found.is_ai, found.base_url, found.needs_key, found.base_url_variable) == (True, None, False, None)
    assert found.covers("POST", "/v1/chat/completions")
    assert found.covers("POST", "/chat/completions")
    assert list_providers(tx) == [*providers().values(), found]
    assert find_provider(tx, "openai") is get_provider("openai")
    for name in ("vllm-b", "../openai", "\x00"):
        with pytest.raises(NotFound):
            find_provider(tx, name)


@pytest.mark.parametrize("title", ["", "  ", "x" * 61, "a\nb"])
def test_a_title_is_printable(title: str) -> None:
    """It is shown on pages and in errors."""
    assert parse_title(" vLLM A ") == "vLLM A"
    with pytest.raises(Invalid):
        parse_title(title)


@pytest.mark.parametrize(
    ("model", "routes"),
    [
        ("openrouter/auto", True),
        ("OpenRouter/Auto:floor", True),
        ("openrouter/free", True),
        ("openai/gpt-5@preset/x", True),
        ("auto", True),
        ("router-a/auto", True),
        ("model-router", True),
        ("auto_router/complexity_router", True),
        ("llama3:latest", False),
        ("autocoder-7b", False),
        ("openrouter/horizon-alpha", False),
        ("katanemo/arch-router-1.5b", False),
    ],
)
def test_an_upstream_may_be_a_router(model: str, routes: bool) -> None:
    """ARI can't know what an upstream is, so the routers' names are those of a router at each of them."""
    for provider in (get_provider("openai_compatible"), make_upstream_provider("my-router", "My router")):
        assert provider.is_routing_model(model) is routes
