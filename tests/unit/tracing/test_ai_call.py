"""The names, models and attributes in spans of AI calls."""

import pytest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

from ari.base.traces import AiCall, AiResult
from ari.tracing.ai_call import describe_call, describe_result, find_model, find_operation, name_call
from ari.tracing.ai_parameters import describe_parameters, read_members


def find(call: AiCall) -> str | None:
    return find_model(call, read_members(call))


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
    assert find(a_call("/v1/chat/completions", body)) is None


def test_a_model_is_found_in_body_and_path() -> None:
    """A plain name; a key in its place is none."""
    assert find(a_call("/v1/chat/completions", b'{"model": "gpt-5"}')) == "gpt-5"
    assert find(a_call("/v1beta/models/gemini-3:generateContent")) == "gemini-3"
    assert find(a_call("/v1/chat/completions", b'{"model": "sk-ant-api03-Secret0123456789abcdef"}')) is None


def test_every_attribute_is_one_of_the_conventions() -> None:
    """A name with a typo would be in no dashboard."""
    call = a_call("/v1/chat/completions", b'{"stream": true}')
    result = AiResult(200, "complete")
    names = {*describe_call(call, "m"), *describe_parameters(call, read_members(call)), *describe_result(result)}
    own = {name for name in names if name.startswith("gen_ai.")}
    assert len(own) > 15
    assert own <= {value for value in vars(gen_ai_attributes).values() if isinstance(value, str)}


@pytest.mark.parametrize("word", ["end turn", "sk-ant-api03-Secret0123456789abcdef", "x" * 41, "s\n", ""])
def test_a_finish_reason_is_a_word(word: str) -> None:
    """A provider could put anything there."""
    result = AiResult(200, "complete", finish_reasons=["stop", word], response_id=f"id {word}")
    described = describe_result(result)
    assert described["gen_ai.response.finish_reasons"] == ["stop"]
    assert described["gen_ai.response.id"] is None
