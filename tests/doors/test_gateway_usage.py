"""Usage is known however a request is framed, and however its response arrives, or does not."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.gateway import CHAT, AiGateway
from tests.support.nginx import nginx_before
from tests.support.providers import WAIT_SECONDS

ASK = {"model": "gpt-x", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
MESSAGES = "/api/ai/anthropic/v1/messages"
KIND = {"content-type": "application/json"}


def pieces(body: bytes) -> Iterator[bytes]:
    for at in range(0, len(body), 50_000):
        yield body[at : at + 50_000]


@pytest.mark.parametrize("size", [10, 3_000_000])
@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_streams_are_asked_however_their_request_is_framed(
    ai: AiGateway, size: int, chunked: bool, first: bool
) -> None:
    """Small or large, with its length or in chunks, whether ``stream`` is its first member or its last."""
    filling = {"messages": [{"role": "user", "content": "x" * size}]}
    body = json.dumps({"stream": True, **filling, "model": "m"} if first else {**filling, "model": "m", "stream": True})
    content = pieces(body.encode()) if chunked else body.encode()
    answer = ai.client().post(CHAT, content=content, headers=KIND)
    assert answer.text.endswith("data: [DONE]\n\n")
    assert "prompt_tokens" not in answer.text
    assert ai.provider.last.json == {**json.loads(body), "stream_options": {"include_usage": True}}
    assert ("content-length" in ai.provider.last.headers) is not chunked
    used = ai.read_usage(answer.headers["x-request-id"])["ai"]
    assert (used["input_tokens"], used["output_tokens"], used["ended"]) == (11, 7, "complete")


def test_a_large_response(ai: AiGateway) -> None:
    """The usage comes after megabytes of numbers."""
    answer = ai.client().post("/api/ai/openai/v1/embeddings", json={"model": "large", "input": "x"})
    assert len(answer.content) > 5_000_000
    used = ai.read_usage(answer.headers["x-request-id"])["ai"]
    assert (used["model"], used["input_tokens"], used["output_tokens"]) == ("large", 4, 0)


@pytest.mark.parametrize("stream", [True, False])
def test_ollamas_own_api(ai: AiGateway, stream: bool) -> None:
    """One document, or lines of which the last has the counts."""
    answer = ai.client().post("/api/ai/ollama/api/chat", json={**ASK, "model": "llama", "stream": stream})
    used = ai.read_usage(answer.headers["x-request-id"])["ai"]
    assert (used["provider"], used["model"], used["input_tokens"], used["output_tokens"]) == ("ollama", "llama", 29, 25)


@pytest.mark.parametrize("stream", [True, False])
def test_the_format_of_another_provider(ai: AiGateway, stream: bool) -> None:
    """Most servers speak several: what a response says decides, not who sent it."""
    answer = ai.client().post("/api/ai/ollama/v1/messages", json={**ASK, "model": "c", "stream": stream})
    used = ai.read_usage(answer.headers["x-request-id"])["ai"]
    assert (used["provider"], used["input_tokens"], used["output_tokens"]) == ("ollama", 42, 6)


def test_a_stream_that_the_provider_breaks_off(ai: AiGateway) -> None:
    """The input is known from its first event; the output of that event is no final count."""
    name = {"x-request-id": "broken-message"}
    with pytest.raises(httpx2.RemoteProtocolError):
        ai.client().post(MESSAGES, json={**ASK, "model": "broken"}, headers=name)
    used = ai.read_usage("broken-message")["ai"]
    assert (used["input_tokens"], used["output_tokens"], used["ended"]) == (42, None, "cut")


def test_a_stream_that_its_caller_leaves(ai: AiGateway) -> None:
    """The provider's work until then is unknown."""
    with ai.client().stream("POST", MESSAGES, json={**ASK, "model": "hold"}) as answer:
        next(answer.iter_lines())
    assert ai.provider.hung_up.wait(WAIT_SECONDS)
    used = ai.read_usage(answer.headers["x-request-id"])["ai"]
    assert (used["input_tokens"], used["output_tokens"], used["ended"]) == (42, None, "client_gone")


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_an_error_in_a_stream(ai: AiGateway, path: str) -> None:
    """It passes, and the log says that the request failed, although its status is 200."""
    answer = ai.client().post(path, json={**ASK, "model": "fails"})
    assert answer.status_code == 200
    assert '"message":"Overloaded"' in answer.text
    used = ai.read_usage(answer.headers["x-request-id"])["ai"]
    assert (used["ended"], used["provider_status"], used["output_tokens"]) == ("error", 200, None)


@pytest.mark.parametrize("size", [10, 2_000_000])
def test_a_server_that_refuses_the_question(ai: AiGateway, size: int) -> None:
    """It gets the caller's own request; and the next one at once. A caller's own option stays the caller's."""
    body = {**ASK, "model": f"no-options-{size}", "messages": [{"role": "user", "content": "x" * size}]}
    for tries in (2, 1):
        ai.provider.reset()
        answer = ai.client().post(CHAT, json=body)
        assert answer.status_code == 200
        assert "Hel" in answer.text
        assert len(ai.provider.seen) == tries
        assert ai.provider.last.json == body
        used = ai.read_usage(answer.headers["x-request-id"])["ai"]
        assert (used["input_tokens"], used["ended"]) == (None, "complete")
    ai.provider.reset()
    answer = ai.client().post(CHAT, json={**body, "stream_options": {"include_usage": True}})
    assert answer.status_code == 400
    assert len(ai.provider.seen) == 1


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_keep_alives_pass_at_once(ai: AiGateway, path: str) -> None:
    """The head before any event, and a comment of one line feed, while the provider still thinks."""
    with ai.client().stream("POST", path, json={**ASK, "model": "pings"}) as answer:
        assert answer.headers["x-accel-buffering"] == "no"
        assert next(answer.iter_lines()) == ": ping"
        assert not ai.provider.gate.is_set()
        ai.provider.gate.set()


def test_only_streams_ask_proxies_not_to_collect_them(ai: AiGateway) -> None:
    """A response with a length may be collected."""
    answer = ai.client().post(CHAT, json={**ASK, "stream": False})
    assert "x-accel-buffering" not in answer.headers


@pytest.mark.parametrize("asks", [True, False])
def test_behind_nginx(ai: AiGateway, tmp_path: Path, asks: bool) -> None:
    """With its default settings, which speak HTTP/1.0 and collect responses."""
    more: dict[str, Any] = {"stream_options": {"include_usage": True}} if asks else {}
    with (
        nginx_before(ai.url, tmp_path / "nginx") as url,
        httpx2.Client(base_url=url, headers={"x-api-key": ai.key}, timeout=30, trust_env=False) as client,
        client.stream("POST", CHAT, json={**ASK, "model": "hold", **more}) as answer,
    ):
        lines = answer.iter_lines()
        assert '"role": "assistant"' in next(lines)
        assert not ai.provider.gate.is_set()
        ai.provider.gate.set()
        rest = [line for line in lines if line]
    assert rest[-1] == "data: [DONE]"
    assert ai.read_usage(answer.headers["x-request-id"])["ai"]["output_tokens"] == 7


def test_a_caller_that_speaks_http_1_0(ai: AiGateway) -> None:
    """A stream ends with its connection."""
    host, port = ai.url.removeprefix("http://").split(":")
    body = json.dumps(ASK).encode()
    head = f"POST {CHAT} HTTP/1.0\r\nhost: {host}:{port}\r\nx-api-key: {ai.key}\r\ncontent-type: application/json\r\n"
    with socket.create_connection((host, int(port)), 20) as line:
        line.sendall(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
        found = b""
        while chunk := line.recv(65_536):
            found += chunk
    assert found.startswith(b"HTTP/1.0 200")
    assert b"transfer-encoding" not in found.lower()
    assert found.endswith(b"data: [DONE]\n\n")
