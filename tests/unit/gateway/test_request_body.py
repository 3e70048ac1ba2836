"""The caller's body is read whole if it is small, streamed if it is large, and refused past its limits."""

import asyncio
from typing import Any

import pytest

from ari.gateway import request_body
from ari.gateway.body_budget import BodyBudget
from ari.gateway.request_body import RequestBody, read_body
from ari.http.body import BodyFault
from ari.http.request_head import RequestHead, read_head
from tests.support.asgi import scope_of


class Messages:
    """The ASGI ``receive`` of a request."""

    def __init__(self, *chunks: bytes, ends: bool = True) -> None:
        self._left: list[dict[str, Any]] = [{"type": "http.request", "body": one, "more_body": True} for one in chunks]
        self._left.append({"type": "http.request", "body": b""} if ends else {"type": "http.disconnect"})

    async def __call__(self) -> Any:
        return self._left.pop(0)


def _head(*headers: tuple[str, str]) -> RequestHead:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    return read_head(scope_of("POST", b"/api/ai/openai/v1/chat/completions", raw), 0)


def _read(messages: Messages, *headers: tuple[str, str]) -> RequestBody:
    return asyncio.run(read_body(_head(*headers), messages))


def _stream(messages: Messages, body: RequestBody) -> tuple[list[bytes], int]:
    ended: list[None] = []

    async def work() -> list[bytes]:
        return [piece async for piece in body.pieces(lambda: ended.append(None))]

    return asyncio.run(work()), len(ended)


def test_a_small_body_is_read_whole() -> None:
    """So that it can be examined and sent again."""
    body = _read(Messages(b"ab", b"c"), ("content-length", "3"))
    assert (body.whole, body.length) == (b"abc", 3)


def test_no_body_is_an_empty_one() -> None:
    """Neither Content-Length nor Transfer-Encoding: there is no body (RFC 9112 §6.3)."""
    body = _read(Messages())
    assert (body.whole, body.length) == (b"", 0)


@pytest.mark.parametrize(
    "header", [("content-length", str(request_body.WHOLE_BYTES + 1)), ("transfer-encoding", "chunked")]
)
def test_a_large_or_chunked_body_is_streamed(header: tuple[str, str]) -> None:
    """Chunk by chunk, and its end is reported once."""
    messages = Messages(b"a", b"", b"b")
    body = _read(messages, header)
    assert body.whole is None
    assert _stream(messages, body) == ([b"a", b"b"], 1)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ((("content-encoding", "gzip"),), "unsupported_media_type"),
        ((("content-length", "12x"),), "invalid_request"),
        ((("content-length", "9" * 13),), "invalid_request"),
        ((("content-length", str(request_body.MAX_BYTES + 1)),), "too_large"),
    ],
)
def test_what_cannot_be_forwarded_is_refused_before_it_is_read(headers: Any, code: str) -> None:
    """Each with its own code."""
    with pytest.raises(BodyFault) as caught:
        _read(Messages(), *headers)
    assert caught.value.fault.reason.code == code


def test_a_stream_past_the_limit_breaks_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault is kept, because the HTTP client wraps what the body raises."""
    monkeypatch.setattr(request_body, "MAX_BYTES", 3)
    messages = Messages(b"ab", b"cd")
    body = _read(messages, ("transfer-encoding", "chunked"))
    with pytest.raises(BodyFault):
        _stream(messages, body)
    assert body.fault is not None
    assert body.fault.reason.code == "too_large"


def test_a_body_that_breaks_off_is_not_complete() -> None:
    """The provider must not take half a request for a whole one."""
    with pytest.raises(BodyFault):
        _read(Messages(b"ab", ends=False), ("content-length", "3"))


def _hold(messages: Messages, budget: BodyBudget) -> tuple[bool, RequestBody, list[bytes]]:
    """Whether the budget allowed it, the body, and its pieces afterwards."""

    async def work() -> tuple[bool, RequestBody, list[bytes]]:
        body = await read_body(_head(("transfer-encoding", "chunked")), messages)
        held = await body.hold(budget)
        rest = [] if held else [piece async for piece in body.pieces(lambda: None)]
        return held, body, rest

    return asyncio.run(work())


def test_a_streamed_body_is_held_within_the_budget() -> None:
    """Whole, and the memory is free again at the end of the request."""
    budget = BodyBudget(4)
    held, body, _ = _hold(Messages(b"ab", b"cd"), budget)
    assert (held, body.whole) == (True, b"abcd")
    assert not budget.take(1)
    body.release()
    body.release()
    assert budget.take(4)
    assert not budget.take(1)


def test_a_body_beyond_the_budget_is_streamed_in_full() -> None:
    """With the pieces that were read already, which need no memory afterwards."""
    budget = BodyBudget(3)
    held, body, pieces = _hold(Messages(b"ab", b"cd", b"e"), budget)
    assert (held, body.whole, pieces) == (False, None, [b"ab", b"cd", b"e"])
    assert budget.take(3)
