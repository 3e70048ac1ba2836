"""Routes that the guard answers itself, without the framework's router: those that are asked all the time.

FastAPI still documents them: the endpoint declares parameters and answers, and ``answered_by`` names what really runs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from ari.http.responses import Answer

if TYPE_CHECKING:
    from ari.http.request_handler import RequestHandler

F = TypeVar("F", bound=Callable[..., Any])
_MARK = "__ari_direct__"


@dataclass(frozen=True, slots=True)
class FastRoutes:
    """``handler`` runs once the guard has let the request in; errors of the tree that it raises become answers.

    ``only_reads``: nothing but the log changes, so its row may be committed with its answer, whatever the method.
    ``streams``: it reads the body itself, calls ``log_first`` before it does anything, and may send its answer by the
    exchange's ``send``; then it returns ``None``.
    """

    handler: Callable[[RequestHandler], Awaitable[Answer | None]]
    only_reads: bool = False
    streams: bool = False


def answered_by(handler: Callable[[RequestHandler], Awaitable[Answer]], *, only_reads: bool) -> Callable[[F], F]:
    """Mark an endpoint that only documents; requests go to ``handler``."""

    def mark(endpoint: F) -> F:
        setattr(endpoint, _MARK, FastRoutes(handler, only_reads))
        return endpoint

    return mark


def streamed_by(handler: Callable[[RequestHandler], Awaitable[Answer | None]]) -> Callable[[F], F]:
    """Mark an endpoint that only documents; requests go to ``handler``, unread."""

    def mark(endpoint: F) -> F:
        setattr(endpoint, _MARK, FastRoutes(handler, streams=True))
        return endpoint

    return mark


def direct_of(endpoint: Callable[..., Any]) -> FastRoutes | None:
    """What answers the endpoint's requests, if that is not the app."""
    found: FastRoutes | None = getattr(endpoint, _MARK, None)
    return found


_KIND = (b"content-type", b"application/json")


def json_answer(content: object) -> Answer:
    """200 with this as JSON."""
    body = msgspec.json.encode(content)
    return Answer(200, [_KIND, (b"content-length", b"%d" % len(body))], body)
