"""Every exception of the client.

::

    AriError                     the base class of all exceptions of ARI
    └── ClientError
        ├── InvalidSettings      the URL, key or options of the client can't be used
        ├── UnexpectedResponse   the response isn't one of ARI's API: HTML, a redirect, truncated or too large
        └── ApiError             ARI refused or failed; has status, code, detail and request_id
            ├── InvalidRequest   400, 413, 415 and 422: invalid input, in ``problems`` by field
            ├── NotAuthenticated 401: no valid key; ``code`` says why, such as ``expired``
            ├── PermissionDenied 403: the key lacks the scope in ``scope``, or may not do this
            ├── NotFound         404
            ├── Conflict         409: not possible in the current state; ``code`` such as ``key_active``
            ├── RateLimited      429: a limit or the credits are used up; ``retry_after_seconds``, ``limit``
            └── Unavailable      502, 503 and 504: ARI can't decide right now; ``retry_after_seconds``
                └── ConnectionFailed   no response: not reachable, timed out, or cut off; ``status`` is 0

No message, ``repr`` or attribute contains a key that the client sent.
"""

from collections.abc import Sequence

from ari.base import errors
from ari.base.errors import AriError, Problem


class ClientError(AriError):
    """Base class of what the client raises."""


class InvalidSettings(ClientError, ValueError):
    """The client can't be created or the request can't be built with these values."""


class UnexpectedResponse(ClientError):
    """The response doesn't look like ARI's API. Check ``base_url``, and whether a proxy responded."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class ApiError(ClientError):
    """An error response, or none at all.

    ``status`` is the HTTP status, 0 without a response. ``code`` is stable and meant for programs: a code of
    docs/reference/errors.md. ``detail`` is a sentence for people. ``request_id`` finds the request in the usage log.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int = 0,
        code: str = "",
        title: str = "",
        request_id: str | None = None,
        scope: str | None = None,
        limit: str | None = None,
        problems: Sequence[Problem] = (),
        retry_after_seconds: int | None = None,
    ) -> None:
        Exception.__init__(self, detail)
        self.detail = detail
        self.status = status
        self.code = code
        self.title = title
        self.request_id = request_id
        self.scope = scope
        self.limit = limit
        self.problems = tuple(problems)
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        sentences = [self.detail, *(f"{one.location}: {one.message}" for one in self.problems)]
        marks = ", ".join(filter(None, (self.code, str(self.status or ""), self.request_id)))
        return " ".join(sentences) + (f" ({marks})" if marks else "")


class InvalidRequest(ApiError, errors.Invalid):
    """Invalid input. ``problems`` has one entry per field: ``location`` and ``message``."""


class NotAuthenticated(ApiError):
    """The key is missing, unknown, expired, revoked or disabled; ``code`` says which."""


class PermissionDenied(ApiError):
    """The key is valid but may not do this. ``scope`` is the missing scope, if one is."""


class NotFound(ApiError, errors.NotFound):
    """Doesn't exist, or this key may not see it."""


class Conflict(ApiError, errors.Conflict):
    """Not possible in the current state; ``code`` says why."""


class RateLimited(ApiError, errors.RateLimited):  # type: ignore[misc]  # its attributes can be None here
    """A limit or the credits of the key are used up.

    ``limit`` names it. ``retry_after_seconds`` is None if waiting doesn't help.
    """


class Unavailable(ApiError, errors.Unavailable):  # type: ignore[misc]  # its attributes can be None here
    """ARI can't decide or do this right now. Never treat it as a yes."""

    reason = None


class ConnectionFailed(Unavailable):
    """No response: the instance isn't reachable, TLS failed, it timed out, or the connection was cut off.

    ARI may have processed the request.
    """


BY_STATUS: dict[int, type[ApiError]] = {
    400: InvalidRequest,
    413: InvalidRequest,
    415: InvalidRequest,
    422: InvalidRequest,
    401: NotAuthenticated,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
"""The exception for a status; others are an ``ApiError``."""
