"""The caller's headers that reach a provider: none that chooses where a gateway sends the key."""

from pathlib import Path

from tests.support.gateway import CHAT, PROVIDER_KEY, running_gateway

ASK = {"model": "gpt-5-mini", "messages": []}
TARGETS = {
    "x-portkey-custom-host": "http://evil.example",
    "x-portkey-provider": "openai",
    "helicone-target-url": "http://evil.example",
}


def test_only_listed_headers_and_the_operators_reach_the_provider(tmp_path: Path) -> None:
    """With the stored key. What the operator adds is for one provider."""
    added = "openai/x-litellm-tags, anthropic/x-other, openai/cookie"
    with running_gateway(tmp_path / "data", ARI_AI_REQUEST_HEADERS=added) as ai:
        sent = {"x-litellm-tags": "a", "x-other": "b", "cookie": "c=d", "openai-project": "p", **TARGETS}
        assert ai.client().post(CHAT, json=ASK, headers=sent).status_code == 200
        seen = ai.provider.last.headers
        assert (seen["x-litellm-tags"], seen["openai-project"]) == ("a", "p")
        assert not {"x-other", "cookie", *TARGETS} & {*seen}
        assert seen["authorization"] == f"Bearer {PROVIDER_KEY}"
