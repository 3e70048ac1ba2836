"""Bodies: limits that hold before the whole of a hostile body was read."""

import asyncio
from typing import Any

import pytest

from ari.http import body as bodies
from ari.http.body import BodyFault
from ari.http.request_head import RequestHead, read_head


def _head(*headers: tuple[bytes, bytes]) -> RequestHead:
    scope = {
        "headers": list(headers),
        "method": "POST",
        "path": "/api/keys",
        "raw_path": b"/api/keys",
        "query_string": b"",
    }
    return read_head(scope, 1)


JSON = _head((b"content-type", b"application/json"))


def _receiver(*chunks: bytes) -> Any:
    left = list(chunks)
    asked: list[int] = []

    async def receive() -> dict[str, Any]:
        asked.append(1)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    receiver: Any = receive
    receiver.asked = asked
    return receiver


def _is_refused(body: bytes) -> bool:
    try:
        bodies.check_json(JSON, body)
    except BodyFault:
        return True
    return False


def _status(caught: pytest.ExceptionInfo[BodyFault]) -> int:
    return caught.value.fault.reason.status


def test_a_body_in_pieces_is_joined() -> None:
    """Chunking changes nothing."""
    assert asyncio.run(bodies.read_body(JSON, _receiver(b"{", b"}"))) == b"{}"


def test_reading_stops_at_the_limit() -> None:
    """413 before reading on."""
    receive = _receiver(*[b"x" * 40_000] * 10)
    with pytest.raises(BodyFault) as caught:
        asyncio.run(bodies.read_body(JSON, receive))
    assert _status(caught) == 413
    assert len(receive.asked) == 2


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(b"content-length", b"70000")], 413),
        ([(b"content-length", b"-1")], 400),
        ([(b"content-encoding", b"gzip")], 415),
    ],
)
def test_refused_by_the_head_alone(headers: list[tuple[bytes, bytes]], status: int) -> None:
    """Nothing is read."""
    receive = _receiver(b"")
    with pytest.raises(BodyFault) as caught:
        asyncio.run(bodies.read_body(_head(*headers), receive))
    assert _status(caught) == status
    assert receive.asked == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 17 + b"]" * 17, 400),
        (b"{", 400),
        (b"\xff", 400),
        (b'{"a":NaN}', 400),
        (b'{"a":1,"a":2}', 400),
        (b"[" * 60_000, 400),
    ],
)
def test_json_that_is_refused(body: bytes, status: int) -> None:
    """Deep, broken, not UTF-8, not a number, a name twice."""
    with pytest.raises(BodyFault) as caught:
        bodies.check_json(JSON, body)
    assert _status(caught) == status


def test_brackets_inside_strings_are_no_depth() -> None:
    """Depth is of the structure: 16 levels are read, and brackets in a string are none."""
    for body in (b'{"a": "' + b"[" * 100 + b'\\"["}', b"[" * 16 + b"]" * 16):
        assert not _is_refused(body)
    assert _is_refused(b'{"a": ' + b"[" * 16 + b"]" * 16 + b"}")


def test_other_kinds_of_content_are_refused() -> None:
    """JSON for the API, form fields for pages, never multipart."""
    with pytest.raises(BodyFault) as caught:
        bodies.check_json(_head((b"content-type", b"text/plain")), b"{}")
    assert _status(caught) == 415
    with pytest.raises(BodyFault) as caught:
        bodies.parse_form(_head((b"content-type", b"multipart/form-data; boundary=x")), b"--x")
    assert _status(caught) == 415


def test_a_form_has_a_bounded_number_of_fields() -> None:
    """And keeps empty ones."""
    form = _head((b"content-type", b"application/x-www-form-urlencoded"))
    assert bodies.parse_form(form, b"a=1&b=&a=2") == {"a": ["1", "2"], "b": [""]}
    with pytest.raises(BodyFault):
        bodies.parse_form(form, b"&".join(b"a=%d" % i for i in range(bodies.MAX_FORM_FIELDS + 1)))
    with pytest.raises(BodyFault):
        bodies.parse_form(form, b"a=%ff")


@pytest.mark.parametrize("body", [b"email=a%00b", b"email=a\0b", b"a%00=b"])
def test_a_form_with_a_nul_is_refused(body: bytes) -> None:
    """PostgreSQL cannot store one."""
    with pytest.raises(BodyFault) as caught:
        bodies.parse_form(_head((b"content-type", b"application/x-www-form-urlencoded")), body)
    assert caught.value.fault.reason.code == "invalid_request"
