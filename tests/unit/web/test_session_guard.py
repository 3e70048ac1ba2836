"""A session that ends while its request is in progress."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import Response

from ari.base.errors import CallerRevoked
from ari.web.session_guard import redirect_ended_session
from tests.support.asgi import scope_of


def ask(headers: list[tuple[bytes, bytes]], error: Exception | None = None) -> Response:
    """The response of a guarded page that raises this error."""

    async def page(request: Request) -> Response:
        if error is not None:
            raise error
        return Response("shown")

    async def respond() -> Response:
        return await redirect_ended_session(page)(Request(scope_of("POST", b"/settings", headers)))

    return asyncio.run(respond())


def test_the_browser_goes_to_sign_in() -> None:
    """A command that finds the session ended shows no error page."""
    response = ask([], CallerRevoked("session_ended"))
    assert (response.status_code, response.headers["location"]) == (303, "/sign-in")


def test_htmx_gets_the_redirect_as_a_header() -> None:
    """htmx follows a 303 and would put sign-in into the dialog."""
    response = ask([(b"hx-request", b"true")], CallerRevoked("session_ended"))
    assert (response.status_code, response.headers["hx-redirect"]) == (200, "/sign-in")
    assert "location" not in response.headers


def test_everything_else_passes() -> None:
    """The page's own response and its other errors are left alone."""
    assert ask([]).body == b"shown"
    with pytest.raises(RuntimeError, match="broken"):
        ask([], RuntimeError("broken"))
