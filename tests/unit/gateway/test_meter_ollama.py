"""Ollama's own format, whole and streamed."""

import json

from ari.usage.ai import TokenUsage
from tests.unit.gateway.metering import LINES, feed, read_whole


def test_ollama() -> None:
    """Its own API, whole and in lines; a prompt that was in memory is not counted there, so it is unknown."""
    done = {"model": "l", "message": {"content": ""}, "done": True, "prompt_eval_count": 29, "eval_count": 25}
    assert read_whole(done) == TokenUsage("l", 29, 25)
    assert read_whole({"model": "l", "response": "Hi", "done": True, "eval_count": 3}) == TokenUsage("l", None, 3)
    assert read_whole({"model": "l", "embeddings": [[0.5]], "prompt_eval_count": 8}) == TokenUsage("l", 8, None)
    line = json.dumps({"model": "l", "message": {"content": "hi"}, "done": False}).encode() + b"\n"
    last = json.dumps(done).encode()
    for count in (1, 2_000):
        meter = feed(LINES, *([line] * count), last[:9], last[9:])
        assert (meter.usage(whole=False), meter.ended) == (TokenUsage("l", 29, 25), True)
    cut = feed(LINES, line, last[:-9])
    assert (cut.usage(whole=False), cut.unfinished) == (TokenUsage("l"), True)
