"""The names and models in spans of AI calls."""

import pytest

from ari.base.traces import AiCall
from ari.tracing.ai_call import find_model, find_operation, name_call


def a_call(path: str, body: bytes | None = None) -> AiCall:
    return AiCall("openai", "https://api.example.com", "POST", path, None, body, is_own=False)


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/v1/chat/completions", "chat"),
        ("/v1/completions", "text_completion"),
        ("/v1/embeddings", "embeddings"),
        ("/v1beta/models/x:streamGenerateContent", "generate_content"),
        ("/v1/files", None),
    ],
)
def test_an_operation_is_found_by_the_path(path: str, operation: str | None) -> None:
    """Other calls are named by their method."""
    assert find_operation(path) == operation
    assert name_call(a_call(path), "m") == ("POST" if operation is None else f"{operation} m")


@pytest.mark.parametrize(
    "body", [b'{"model": "a b"}', b'{"model": 1}', b"{", b"[" * 9_999, b'{"model": "' + b"x" * 200]
)
def test_a_strange_model_is_left_out(body: bytes) -> None:
    """It could be any text of the caller."""
    assert find_model(a_call("/v1/chat/completions", body)) is None


def test_a_model_is_found_in_body_and_path() -> None:
    """A plain name; a key in its place is none."""
    assert find_model(a_call("/v1/chat/completions", b'{"model": "gpt-5"}')) == "gpt-5"
    assert find_model(a_call("/v1beta/models/gemini-3:generateContent")) == "gemini-3"
    assert find_model(a_call("/v1/chat/completions", b'{"model": "sk-ant-api03-Secret0123456789abcdef"}')) is None
