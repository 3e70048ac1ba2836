"""The trace context of callers: what is read of it, and what is written."""

import pytest

from ari.tracing.w3c import RemoteParent, make_id, parse_parent, parse_state, write_headers

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("03", True)])
def test_a_parent_is_read(flags: str, sampled: bool) -> None:
    """Only the bit that says whether it is sampled counts; a later version may have more parts."""
    assert parse_parent([f"00-{TRACE}-{SPAN}-{flags}".encode()]) == RemoteParent(TRACE, SPAN, sampled)
    assert parse_parent([f"01-{TRACE}-{SPAN}-{flags}-more".encode()]) == RemoteParent(TRACE, SPAN, sampled)


@pytest.mark.parametrize("line", [b"", b"00", b"x" * 9_999, f"00-{TRACE}-{SPAN}-01-x".encode(), b"\xff" * 55])
def test_a_malformed_parent_is_none(line: bytes) -> None:
    """A new trace begins then."""
    assert parse_parent([line]) is None


def test_a_state_with_a_key_is_dropped() -> None:
    """And one that is too long, or isn't ASCII."""
    assert parse_state([b"a=1", b"b=2"]).to_header() == "a=1,b=2"
    for line in (b"a=sk-ant-api03-Secret0123456789abcdef", b"a=" + b"b" * 600, "é=1".encode()):
        assert not parse_state([line])


def test_headers_are_written() -> None:
    """In the form that is read again."""
    ids = make_id(128), make_id(64)
    (name, value), state = write_headers(*ids, parse_state([b"a=1"]), is_sampled=True)
    assert (name, state) == ("traceparent", ("tracestate", "a=1"))
    assert parse_parent([value.encode()]) == RemoteParent(*ids, True)
