"""Each provider's file says where its requests name a model; what nobody knows is reported as unknown."""

import pytest

from ari.integrations.model import MODEL_FIELDS
from ari.integrations.model_fields import ModelPlace, find_model_place, has_one_place
from ari.integrations.providers import get_provider, providers


@pytest.mark.parametrize(
    ("provider", "method", "path", "expected"),
    [
        ("openai", "POST", "/v1/chat/completions", ModelPlace(None, MODEL_FIELDS)),
        ("openai", "POST", "/v1/responses/resp_1/cancel", ModelPlace(None, ())),
        ("openai", "GET", "/v1/responses/resp_1", ModelPlace(None, ())),
        ("openai", "GET", "/v1/models/ft:gpt/x", ModelPlace("ft:gpt/x", ())),
        ("openai", "GET", "/v1/files", ModelPlace(None, ())),
        ("openai", "POST", "/v1/files", None),
        ("openai", "POST", "/v1/batches", None),
        ("openai", "POST", "/v1/assistants", None),
        ("openai", "POST", "/v1/threads/runs", None),
        ("anthropic", "POST", "/v1/messages/batches", "requests[].params.model"),
        ("anthropic", "POST", "/v1/messages/batches/b_1/cancel", ModelPlace(None, ())),
        ("gemini", "HEAD", "/v1beta/models/gemini-2.5-pro", ModelPlace("gemini-2.5-pro", ())),
        ("gemini", "POST", "/v1/tunedModels/mine:generateContent", "model"),
        ("gemini", "POST", "/v1beta/openai/chat/completions", ModelPlace(None, MODEL_FIELDS)),
        ("elevenlabs", "POST", "/v1/text-to-speech/v/stream", ModelPlace(None, ("model_id",))),
        ("elevenlabs", "POST", "/v1/audio-isolation", ModelPlace(None, ())),
        ("ollama", "POST", "/api/show", "name"),
        ("ollama", "POST", "/api/pull", None),
    ],
)
def test_a_request_names_its_model_in_known_places(
    provider: str, method: str, path: str, expected: ModelPlace | str | None
) -> None:
    """Or nobody knows (``None``), as for batches of a file, and for endpoints that the provider's file lacks."""
    found = find_model_place(get_provider(provider), method, path)
    if isinstance(expected, str):
        assert found is not None
        assert expected in found.fields
    else:
        assert found == expected


def test_gemini_names_its_model_in_the_path() -> None:
    """Its body may repeat it, also for each request of a batch."""
    found = find_model_place(get_provider("gemini"), "POST", "/v1beta/models/gemini-2.5-pro:batchGenerateContent")
    assert found is not None
    assert found.in_path == "models/gemini-2.5-pro"
    assert "batch.inputConfig.requests.requests[].request.model" in found.fields


@pytest.mark.parametrize("name", [one.name for one in providers().values() if one.is_ai])
def test_what_a_provider_lists_has_a_known_place(name: str) -> None:
    """Otherwise a key with model rules could not call it."""
    provider = get_provider(name)
    for method, _, path in (route.partition(" ") for route in provider.reaches):
        assert find_model_place(provider, method, path) is not None, path


def test_paths_have_one_place_or_several() -> None:
    """A server that decodes a path once more could find another endpoint, or none."""
    openai = get_provider("openai")
    assert has_one_place(openai, "POST", ("/v1/responses/a%2Db/cancel", "/v1/responses/a-b/cancel"))
    assert not has_one_place(openai, "POST", ("/v1/responses/a%2Fb/cancel", "/v1/responses/a/b/cancel"))
    assert not has_one_place(openai, "POST", ("/v1/responses/a/cancel", "/v1/responses"))
