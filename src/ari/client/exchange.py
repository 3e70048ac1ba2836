"""What to do with each response: return it, wait and repeat the request, or raise. No I/O, so both clients share it."""

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from ari.base.errors import Problem
from ari.client.api_call import ApiCall
from ari.client.exceptions import BY_STATUS, ApiError, ConnectionFailed, RateLimited, Unavailable, UnexpectedResponse

T = TypeVar("T")
MAX_RESPONSE_BYTES = 32 * 1024 * 1024
MAX_WAIT_SECONDS = 30
"""A server that wants a longer pause gets no second request; the caller decides."""
_FIRST_BACKOFF_SECONDS = 0.5
_LONGEST_TEXT = 1_000
_PROXIES_SAY = (429, 502, 503, 504)
"""Statuses that mean the same without ARI's problem document, because proxies in front of ARI send them."""

_MAY_BE_DONE = (502, 504)
"""Statuses of a proxy that has no response of ARI, which may have processed the request. With 503 it hasn't."""
_EXPORT_TYPES = {"csv": "text/csv", "json": "application/json", "jsonl": "application/jsonl"}


@dataclass(frozen=True, slots=True)
class ApiReply:
    """A response with its body, which is empty while an export is open."""

    status: int
    media_type: str
    retry_after: str
    request_id: str
    location: str
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class NoReply:
    """A request without a response. ``was_sent`` is whether ARI may have processed it."""

    error: ConnectionFailed
    was_sent: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before the next request."""

    seconds: float


Step = ApiCall[Any] | Pause
Exchange = Generator[Step, ApiReply | NoReply | None, T]


def exchange(call: ApiCall[T], retries: int, jitter: Callable[[], float] = random.random) -> Exchange[T]:
    """The steps of a call: a request to send, or a pause. Returns what the operation returns, or raises.

    Requests are repeated only if that is safe: idempotent methods, requests with an Idempotency-Key, and requests that
    were never sent; and only after a lost connection, a 429 with Retry-After, or a 502, 503 or 504.
    """
    may_be_done = False
    for attempt in range(retries + 1):
        reply = yield call
        if isinstance(reply, NoReply):
            error: ApiError = reply.error
            repeats = call.may_repeat or not reply.was_sent
            may_be_done = may_be_done or reply.was_sent
        else:
            assert reply is not None, "a request is followed by its reply"
            if 200 <= reply.status < 300:
                return _read_result(call, reply)
            error = _read_problem(reply)
            if may_be_done and call.method == "DELETE" and reply.status == 404:
                return _return_nothing(call)
            repeats = call.may_repeat and isinstance(error, RateLimited | Unavailable)
            may_be_done = may_be_done or reply.status in _MAY_BE_DONE
        seconds = _find_pause(error, attempt, jitter)
        if not repeats or seconds is None or attempt == retries:
            raise error
        yield Pause(seconds)
    raise AssertionError("the last attempt returns or raises")


def clean_text(text: str) -> str:
    """Text from the server, without control characters and of bounded length, as it ends up in logs and terminals."""
    return "".join(letter for letter in text[:_LONGEST_TEXT] if letter.isprintable())


def _return_nothing(call: ApiCall[T]) -> T:
    """The result of an operation that returns nothing: what a lost first attempt has deleted is deleted."""
    assert call.returns is type(None)
    return None


def _find_pause(error: ApiError, attempt: int, jitter: Callable[[], float]) -> float | None:
    """Seconds to wait before the next attempt; None if waiting doesn't help or would take too long."""
    backoff = _FIRST_BACKOFF_SECONDS * 2**attempt * (0.5 + jitter() / 2)
    wanted = error.retry_after_seconds
    if wanted is None:
        return None if isinstance(error, RateLimited) else min(backoff, MAX_WAIT_SECONDS)
    return wanted + backoff if wanted <= MAX_WAIT_SECONDS else None


def _read_result(call: ApiCall[T], reply: ApiReply) -> T:
    if call.returns is ApiReply:
        wanted = _EXPORT_TYPES[str(call.query.get("format", "jsonl") or "csv")]
        if reply.status != 200 or reply.media_type != wanted:
            raise UnexpectedResponse(_describe(f"isn't an export as {wanted}", reply), status=reply.status)
        return reply  # type: ignore[return-value]  # T is that type
    if call.returns is type(None):
        if reply.media_type != "application/json" and (reply.status != 204 or reply.media_type):
            raise UnexpectedResponse(_describe("isn't from ARI", reply), status=reply.status)
        return _return_nothing(call)
    if reply.media_type != "application/json":
        raise UnexpectedResponse(_describe("isn't JSON", reply), status=reply.status)
    try:
        return msgspec.json.decode(reply.body, type=call.returns)
    except msgspec.ValidationError as error:
        raise UnexpectedResponse(_describe(f"has another shape: {error}", reply), status=reply.status) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnexpectedResponse(_describe("isn't valid JSON", reply), status=reply.status) from None


class _Field(msgspec.Struct):
    location: str = ""
    message: str = ""


class _ProblemDocument(msgspec.Struct):
    """A problem document (RFC 9457) as ARI sends it; members that this version doesn't know are ignored."""

    code: str
    title: str = ""
    detail: str = ""
    request_id: str | None = None
    scope: str | None = None
    limit: str | None = None
    errors: list[_Field] | None = None


def _read_problem(reply: ApiReply) -> ApiError:
    """The exception for an error response. Raises UnexpectedResponse if it can't come from ARI."""
    if 300 <= reply.status < 400:
        place = _read_origin(reply.location)
        raise UnexpectedResponse(
            f"The server redirects{f' to {place}' if place else ''}. Redirects aren't followed, so that the key goes "
            "nowhere else. Check base_url.",
            status=reply.status,
        )
    document = _decode_problem(reply)
    if document is None and reply.status not in _PROXIES_SAY:
        raise UnexpectedResponse(_describe("isn't from ARI", reply), status=reply.status)
    found = document or _ProblemDocument(code="")
    title = clean_text(found.title) or _phrase(reply.status)
    return BY_STATUS.get(reply.status, ApiError)(
        clean_text(found.detail) or f"{title}.",
        status=reply.status,
        code=clean_text(found.code),
        title=title,
        request_id=clean_text(found.request_id or reply.request_id) or None,
        scope=None if found.scope is None else clean_text(found.scope),
        limit=None if found.limit is None else clean_text(found.limit),
        problems=[Problem(clean_text(one.location), clean_text(one.message)) for one in found.errors or ()],
        retry_after_seconds=int(reply.retry_after) if _is_count(reply.retry_after) else None,
    )


def _decode_problem(reply: ApiReply) -> _ProblemDocument | None:
    if reply.media_type != "application/problem+json":
        return None
    try:
        return msgspec.json.decode(reply.body, type=_ProblemDocument)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _describe(what: str, reply: ApiReply) -> str:
    kind = clean_text(reply.media_type)[:100] or "no content type"
    return f"The response {what} ({reply.status}, {kind}). Check base_url, and proxies in between."


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP {status}"


def _read_origin(location: str) -> str:
    try:
        parts = urlsplit(location)
    except ValueError:
        return ""
    return clean_text(f"{parts.scheme}://{parts.hostname}") if parts.scheme and parts.hostname else ""


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
