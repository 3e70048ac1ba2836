"""Turn a fault into a response: problem details under /api, a page elsewhere."""

from collections.abc import Callable

import msgspec

from ari.base.settings import Settings
from ari.http import problem
from ari.http.context import RequestContext
from ari.http.problem import Fault, Header

ErrorPage = Callable[[RequestContext, Fault], bytes]
"""Renders a fault as HTML; the pages' door gives it."""


class Response(msgspec.Struct, frozen=True):
    """A whole response."""

    status: int
    headers: list[Header]
    body: bytes


def fault_response(
    settings: Settings,
    fault: Fault,
    call: RequestContext,
    *,
    is_api: bool,
    token_sent: bool,
    error_page: ErrorPage,
    for_sdks: bool = False,
) -> Response:
    """The response for a fault; it holds no value that the caller sent."""
    if is_api:
        content = problem.body(fault, settings.base_url, call.request_id, for_sdks=for_sdks)
        kind = problem.MEDIA_TYPE
    else:
        content, kind = error_page(call, fault), "text/html; charset=utf-8"
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(content)).encode())]
    return Response(
        fault.reason.status, headers + problem.headers(fault, token_sent=token_sent, for_sdks=for_sdks), content
    )


def redirect(location: str, *, htmx: bool) -> Response:
    """Send the browser elsewhere; htmx follows a header of its own instead of a 303."""
    where = location.encode("latin-1")
    if htmx:
        return Response(200, [(b"hx-redirect", where), (b"content-length", b"0")], b"")
    return Response(303, [(b"location", where), (b"content-length", b"0")], b"")


def json_response(content: object) -> Response:
    """200 with this as JSON."""
    body = msgspec.json.encode(content)
    return Response(200, [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))], body)
