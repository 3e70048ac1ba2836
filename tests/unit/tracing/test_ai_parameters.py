"""The parameters of AI requests in spans: numbers of each provider's spelling, and nothing else of a caller."""

from typing import Any

import msgspec
import pytest

from ari.base.traces import AiCall
from ari.tracing.ai_parameters import describe_parameters, read_members

CHAT = "/v1/chat/completions"


def describe(path: str, body: bytes) -> dict[str, Any]:
    """The attributes that have a value, without the beginning of their names."""
    call = AiCall("openai", "https://api.example.com", "POST", path, None, body, is_own=False)
    found = describe_parameters(call, read_members(call))
    return {name.removeprefix("gen_ai.request."): value for name, value in found.items() if value is not None}


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (
            CHAT,
            {"max_completion_tokens": 9, "temperature": 0, "top_p": 0.5, "n": 2, "seed": -1, "stream": True},
            {"max_tokens": 9, "temperature": 0.0, "top_p": 0.5, "choice.count": 2, "seed": -1, "stream": True},
        ),
        ("/v1/messages", {"max_tokens": 9.0, "top_k": 5}, {"max_tokens": 9, "top_k": 5}),
        (
            "/v1beta/models/x:streamGenerateContent",
            {"generationConfig": {"maxOutputTokens": 7, "topP": 1}},
            {"max_tokens": 7, "top_p": 1.0, "stream": True},
        ),
        ("/api/chat", {"options": {"num_predict": 3}}, {"max_tokens": 3, "stream": True}),
        ("/api/chat", {"stream": False}, {}),
        ("/v1/embeddings", {"dimensions": 64}, {"gen_ai.embeddings.dimension.count": 64}),
    ],
)
def test_each_providers_spelling_is_read(path: str, body: dict[str, Any], expected: dict[str, Any]) -> None:
    """As the conventions name it; one choice is the usual number, so it is left out."""
    assert describe(path, msgspec.json.encode({"model": "m", **body})) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b"\xff",
        b"[" * 9_999,
        b'{"seed": ' + b"[" * 9_999,
        b'{"seed": 99999999999999999999999999, "temperature": 1e999, "n": true, "top_k": "5", "max_tokens": 1.5}',
        b'{"seed": 9223372036854775808, "n": 1, "stream": "yes", "options": 5, "generationConfig": [1]}',
        b'{"temperature": {"a": 1}, "top_p": null, "frequency_penalty": "a secret", "stop": ["a secret"]}',
    ],
)
def test_hostile_values_are_left_out(body: bytes) -> None:
    """A number that the protocol can't carry would lose every span that is sent with it."""
    assert describe(CHAT, body) == {}
