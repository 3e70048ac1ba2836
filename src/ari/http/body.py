"""Reading a request's body within limits (security.md 6): sizes, kinds, depth, time; then handing it on."""

import asyncio
import json
import re
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs

from ari.base.served_request import note_wait
from ari.base.time_limit import TimeLimit
from ari.http.context import HasScope, Message, Receive, RequestContext, context_of
from ari.http.problem import Fault
from ari.http.request_head import INVALID_REQUEST, RequestHead
from ari.http.route_policy import MAX_BODY_BYTES, MAX_BODY_DEPTH
from ari.keys.reasons import REQUEST_ERRORS

MAX_FORM_FIELDS = 250
"""More than the 200 keys that a form can change at once."""
BODY_SECONDS = 30
_CLOSE = ((b"connection", b"close"),)
"""The rest of the body is not read, so the connection serves no further request (RFC 9112 §9.6)."""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


class BodyFault(Exception):
    """The body cannot be accepted."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.reason.code)
        self.fault = fault


class ClientGone(Exception):
    """The client hung up before it got its response."""


def make_broken_body_fault() -> BodyFault:
    """For a body that ends early or whose chunks are malformed (RFC 9112 §7.1, §8).

    The server reports both as a disconnect, and only the second client is still there to read this.
    """
    return BodyFault(Fault(INVALID_REQUEST, "The body is incomplete or its chunks are malformed.", headers=_CLOSE))


async def read_body(head: RequestHead, receive: Receive, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """The whole body. Raises ``BodyFault``, before it reads past a limit."""
    if head.first(b"content-encoding") not in (None, b"identity"):
        raise BodyFault(Fault(REQUEST_ERRORS["unsupported_media_type"], "Send the body without Content-Encoding."))
    length = head.first(b"content-length")
    if length is not None and (not length.isdigit() or len(length) > 12):
        raise BodyFault(Fault(INVALID_REQUEST, "Content-Length isn't a number."))
    if length is not None and int(length) > max_bytes:
        raise _make_size_fault(max_bytes)
    began = perf_counter()
    try:
        with TimeLimit(BODY_SECONDS):
            return await _collect(receive, max_bytes)
    except TimeoutError:
        raise BodyFault(Fault(REQUEST_ERRORS["request_timeout"], headers=_CLOSE)) from None
    finally:
        note_wait("client", began)


def _make_size_fault(max_bytes: int) -> BodyFault:
    size = f"{max_bytes // 1024} KiB" if max_bytes < 1024 * 1024 else f"{max_bytes // (1024 * 1024)} MiB"
    return BodyFault(Fault(REQUEST_ERRORS["too_large"], f"The body can be at most {size}.", headers=_CLOSE))


async def _collect(receive: Receive, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise make_broken_body_fault()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > max_bytes:
            raise _make_size_fault(max_bytes)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


async def read_json(context: RequestContext) -> None:
    """Read the body into ``context.json``, and keep it for the app to read again. Raises ``BodyFault``.

    A large body, which only some routes take, is parsed in a thread: it would delay other requests.
    """
    policy = context.route.policy
    content = await read_body(context.head, context.receive, policy.max_body_bytes)
    context.json = await check_large_json(context.head, content, policy.max_body_depth)
    context.receive = replay(content, context.receive)


async def check_large_json(head: RequestHead, body: bytes, max_depth: int = MAX_BODY_DEPTH) -> Any:
    """Like ``check_json``, in a thread if the body is large."""
    if len(body) <= MAX_BODY_BYTES:
        return check_json(head, body, max_depth)
    return await asyncio.to_thread(check_json, head, body, max_depth)


def check_json(head: RequestHead, body: bytes, max_depth: int = MAX_BODY_DEPTH) -> Any:
    """The JSON value in an unsafe API request's body; ``None`` if the body is empty.

    Raises ``BodyFault`` unless it is sound, shallow JSON of the right type.
    """
    if not body:
        return None
    kind = (head.text(b"content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise BodyFault(Fault(REQUEST_ERRORS["unsupported_media_type"], "Send the body as application/json."))
    if _depth(body) > max_depth:
        raise BodyFault(Fault(INVALID_REQUEST, f"The JSON is nested deeper than {max_depth} levels."))
    try:
        return json.loads(body, parse_constant=_no_constant, object_pairs_hook=_no_repetition)
    except (ValueError, RecursionError):
        raise BodyFault(Fault(INVALID_REQUEST, "The body isn't valid JSON.")) from None


def parse_form(head: RequestHead, body: bytes) -> dict[str, list[str]]:
    """The fields of a form. Raises ``BodyFault``."""
    kind = (head.text(b"content-type") or "").partition(";")[0].strip().lower()
    if not body and not kind:
        return {}
    if kind != "application/x-www-form-urlencoded":
        raise BodyFault(Fault(REQUEST_ERRORS["unsupported_media_type"], "Send the form as regular form fields."))
    if b"%00" in body or b"\0" in body:  # PostgreSQL has no NUL in its texts
        raise BodyFault(Fault(INVALID_REQUEST, "The form contains a NUL character."))
    try:
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS, errors="strict")
    except ValueError:
        raise BodyFault(Fault(INVALID_REQUEST, "The form can't be parsed.")) from None


def form_of(request: HasScope) -> dict[str, list[str]]:
    """The form fields of this request, as authentication read them."""
    return context_of(request).form or {}


def replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that hands the read body on, then whatever the server says."""
    pending = True

    async def again() -> Message:
        nonlocal pending
        if pending:
            pending = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return again


def _depth(body: bytes) -> int:
    """How deep arrays and objects nest; what looks like them inside strings does not count."""
    if body.count(b"[") + body.count(b"{") <= MAX_BODY_DEPTH:
        return 0
    deepest = depth = 0
    for byte in _STRING.sub(b"", body).translate(None, _NO_BRACKETS):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _no_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated name")
    return found
