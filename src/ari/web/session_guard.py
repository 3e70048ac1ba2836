"""A session that ends while its request is in progress: the browser goes to sign-in instead of an error page."""

from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from ari.base.errors import CallerRevoked
from ari.http.auth.session import SIGN_IN

PageEndpoint = Callable[[Request], Awaitable[Response]]


def redirect_ended_session(endpoint: PageEndpoint) -> PageEndpoint:
    """The same endpoint, which redirects to sign-in when a command finds that the session has ended."""

    @wraps(endpoint)
    async def run_or_redirect(request: Request) -> Response:
        try:
            return await endpoint(request)
        except CallerRevoked:
            by_htmx = "hx-request" in request.headers
            headers = {"hx-redirect" if by_htmx else "location": SIGN_IN}
            return Response(status_code=200 if by_htmx else 303, headers=headers)

    return run_or_redirect
