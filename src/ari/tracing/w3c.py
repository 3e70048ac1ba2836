"""The trace context that callers send and ARI sends on (https://www.w3.org/TR/trace-context/)."""

import re
from collections.abc import Sequence
from random import getrandbits

import msgspec
from opentelemetry.trace.span import TraceState

from ari.base.secrets_in_text import looks_like_key

_PARENT = re.compile(rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_MAX_PARENT_BYTES = 128
_MAX_STATE_BYTES = 512
"""Longer ones are dropped, as section 3.3.1.5 allows."""
TRACE_BITS, SPAN_BITS = 128, 64
_SAMPLED = 1


class RemoteParent(msgspec.Struct, frozen=True):
    """The caller's span; the ids are hexadecimal."""

    trace_id: str
    span_id: str
    is_sampled: bool


def parse_parent(lines: Sequence[bytes]) -> RemoteParent | None:
    """The caller's span from the lines of its ``traceparent``; ``None`` if there is none or it is malformed."""
    if len(lines) != 1 or len(lines[0]) > _MAX_PARENT_BYTES:
        return None
    found = _PARENT.fullmatch(lines[0].strip())
    if found is None or (found[1] == b"00" and found[5]):
        return None
    return RemoteParent(found[2].decode(), found[3].decode(), bool(int(found[4], 16) & _SAMPLED))


def parse_state(lines: Sequence[bytes]) -> TraceState:
    """The values of other tracing systems; empty if it is malformed, too long or could hold a key."""
    joined = b",".join(lines)
    if not joined or len(joined) > _MAX_STATE_BYTES or not joined.isascii():
        return TraceState()
    text = joined.decode("ascii")
    return TraceState() if looks_like_key(text) else TraceState.from_header([text])


def write_headers(trace_id: str, span_id: str, state: TraceState | None, *, is_sampled: bool) -> list[tuple[str, str]]:
    """The headers that make this span the parent of what a request causes."""
    headers = [("traceparent", f"00-{trace_id}-{span_id}-{is_sampled:02x}")]
    if state:
        headers.append(("tracestate", state.to_header()))
    return headers


def make_id(bits: int) -> str:
    """A new id: not a secret, so a fast random number is enough. It is never 0."""
    return f"{getrandbits(bits) or 1:0{bits // 4}x}"
