"""A session that ended while its request was under way leads back to the sign-in, not to an error."""

from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from ari.base.errors import CallerDead
from ari.web import places

Endpoint = Callable[[Request], Awaitable[Response]]


def signed_in(endpoint: Endpoint) -> Endpoint:
    """The endpoint with the same access; every other error is answered by the app."""

    @wraps(endpoint)
    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except CallerDead:
            by_htmx = "hx-request" in request.headers
            headers = {"hx-redirect" if by_htmx else "location": places.SIGN_IN}
            return Response(status_code=200 if by_htmx else 303, headers=headers)

    return answered
