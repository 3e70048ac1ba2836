"""How to call a provider through ARI."""

from urllib.parse import urlsplit

import pytest

from ari.integrations.providers import get_provider, providers
from ari.web.pages.integrations.instructions import Instructions, build_instructions

ARI = "https://ari.example"
FORWARDED = [name for name, one in providers().items() if one.is_ai]


def instructions_for(name: str) -> Instructions:
    found = build_instructions(get_provider(name), ARI)
    assert found is not None
    return found


@pytest.mark.parametrize("name", FORWARDED)
def test_every_example_calls_ari_with_an_ari_key(name: str) -> None:
    """No example holds a key, or sends one to the provider itself; the scope is the provider's own."""
    found = instructions_for(name)
    assert found.base_url.startswith(f"{ARI}/api/ai/{name}")
    assert found.scope == f"ai:{name}"
    assert len({one.id for one in found.snippets}) == len(found.snippets)
    for one in found.snippets:
        assert f"{ARI}/api/ai/{name}" in one.code
        assert "ARI_API_KEY" in one.code


@pytest.mark.parametrize("name", FORWARDED)
def test_the_curl_example_calls_a_path_that_the_scope_covers(name: str) -> None:
    """Copying it works with a key that has this one scope."""
    curl = instructions_for(name).snippets[-1].code
    path = urlsplit(curl.split()[-1]).path.removeprefix(f"/api/ai/{name}")
    method = "POST" if " -d " in curl else "GET"
    assert f"{method} {path}" in get_provider(name).reaches


def test_each_sdk_gets_the_base_url_that_it_appends_to() -> None:
    """OpenAI's clients add ``/chat/completions``, Anthropic's the whole path with the version."""
    openai, anthropic = instructions_for("openai"), instructions_for("anthropic")
    assert openai.base_url == f"{ARI}/api/ai/openai/v1"
    assert "from openai import OpenAI" in openai.snippets[0].code
    assert anthropic.base_url == f"{ARI}/api/ai/anthropic"
    assert "from anthropic import Anthropic" in anthropic.snippets[0].code


def test_a_provider_that_is_not_forwarded_to_has_none() -> None:
    """Resend sends ARI's own email; keys can't call it."""
    assert build_instructions(get_provider("resend"), ARI) is None
