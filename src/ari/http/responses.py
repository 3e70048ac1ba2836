"""Whole responses, made without a framework."""

import msgspec

from ari.base.hidden_fields import HiddenFields
from ari.http.problem import Header


class Response(HiddenFields, msgspec.Struct, frozen=True):
    """Status, headers and body."""

    status: int
    headers: list[Header]
    body: bytes


def json_response(content: object) -> Response:
    """200 with this as JSON."""
    body = msgspec.json.encode(content)
    return Response(200, [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))], body)


def redirect(location: str, *, htmx: bool) -> Response:
    """Send the browser elsewhere; htmx follows a header of its own instead of a 303."""
    where = location.encode("latin-1")
    if htmx:
        return Response(200, [(b"hx-redirect", where), (b"content-length", b"0")], b"")
    return Response(303, [(b"location", where), (b"content-length", b"0")], b"")
