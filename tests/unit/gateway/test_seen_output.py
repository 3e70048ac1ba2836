"""The tokens of a response that reports none are estimated by what was sent of it."""

import json

import pytest

from ari.gateway.seen_output import make_seen_output

CHAT = "/v1/chat/completions"


def count(*chunks: bytes) -> int:
    seen = make_seen_output(CHAT)
    assert seen is not None
    for chunk in chunks:
        seen.see(chunk)
    return seen.count_tokens()


def make_event(text: str) -> bytes:
    delta = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [{"delta": {"content": text}}]}
    return b"event: x\ndata: " + json.dumps(delta).encode() + b"\n\n"


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_each_event_of_a_stream_is_a_token_and_its_text(size: int) -> None:
    """However it is cut into chunks. Events that are all long have text, too."""
    stream = make_event("a") * 100 + b"data: [DONE]\n\n: ping\n\n"
    assert count(*(stream[at : at + size] for at in range(0, len(stream), size))) == 100
    assert count(make_event("a") + make_event("word " * 80)) == 2 + 399 // 4
    assert 20_000 < count(make_event("word " * 250) * 100) < 40_000


def test_a_document_counts_by_its_bytes() -> None:
    """In one line or many, but never as more than a model writes."""
    assert count(b'{"text":"' + b"x" * 40_000) == pytest.approx(10_000, abs=5)
    assert count(b'[{\n  "text": "' + b"x" * 40_000 + b'"\n}') == pytest.approx(10_000, abs=10)
    assert count(b"x" * 10_000_000) == 128_000
    assert count(b'data: {"image":"' + b"x" * 500_000 + b'"}\n\n' + make_event("a")) < 2_000


def test_sound_and_images_are_not_text() -> None:
    """Their bytes say nothing about tokens."""
    assert make_seen_output("/v1/audio/speech") is None
    assert make_seen_output("/v1/images/generations") is None
