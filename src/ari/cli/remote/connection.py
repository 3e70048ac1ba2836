"""Requests to a remote instance with ``ari.client``; every failure is one sentence in the words of the command line."""

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from ari.base import errors
from ari.base.errors import AriError
from ari.client.api_call import ApiCall, choose_idempotency_key, encode_body, fill_path
from ari.client.connection_settings import ConnectionSettings
from ari.client.exceptions import (
    ApiError,
    ClientError,
    Conflict,
    ConnectionFailed,
    InvalidRequest,
    InvalidSettings,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    RateLimited,
    Unavailable,
)
from ari.client.exchange import ApiReply
from ari.client.generated.sync_calls import Calls, Connections
from ari.client.page_cursor import PageWatch

TIMEOUT_SECONDS = 30.0
RETRIES = 1
PAGE = 200
_SAFE = ("GET", "PUT", "DELETE")


class RemoteFailed(AriError):
    """The remote instance can't be reached, isn't ARI, or failed."""


class Connection:
    """Sends requests with the key to one instance. Redirects aren't followed: the key stays there."""

    def __init__(self, url: str, key: str, timeout_seconds: float = TIMEOUT_SECONDS, retries: int = RETRIES) -> None:
        self.url = url
        settings = ConnectionSettings(url, key, timeout_seconds, retries)
        self._connections = Connections(settings, None)
        self._calls = Calls(settings, self._connections)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connections.close()

    def get(self, *path: str, **query: Any) -> dict[str, Any]:
        """The JSON object at ``/api`` and these segments. Query parameters that are ``None`` are left out."""
        return self.send("GET", *path, query=query)

    def list_items(self, *path: str, limit: int | None = None, **query: Any) -> list[dict[str, Any]]:
        """The items of all pages, at most ``limit``."""
        return [item for page in self.list_pages(*path, limit=limit, **query) for item in page["items"]]

    def list_pages(self, *path: str, limit: int | None = None, **query: Any) -> Iterator[dict[str, Any]]:
        """All pages, with at most ``limit`` items."""
        count = 0
        cursor = None
        watch = PageWatch()
        while limit is None or count < limit:
            size = PAGE if limit is None else min(PAGE, limit - count)
            page = self.get(*path, limit=size, cursor=cursor, **query)
            yield page
            count += len(page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                break
            try:
                watch.check(cursor, len(page["items"]))
            except ClientError as error:
                raise self._translate(error, "GET") from None

    def send(
        self,
        method: str,
        *path: str,
        body: object = None,
        query: Mapping[str, Any] | None = None,
        repeatable: bool = False,
    ) -> dict[str, Any]:
        """The JSON object of the response; an empty one for ``DELETE``. ``repeatable``: with an ``Idempotency-Key``.

        Raises ``RemoteFailed``, and the errors of the API as the commands raise them: ``Invalid``, ``NotFound``,
        ``Conflict``, ``Forbidden``, ``RateLimited``, ``Unavailable``.
        """
        returns: Any = type(None) if method == "DELETE" else dict
        once = choose_idempotency_key(None) if repeatable else None
        address = _make_path(path)
        try:
            sent = None if body is None else encode_body(body)
            return self._calls.call(ApiCall(method, address, returns, query or {}, sent, once)) or {}
        except ClientError as error:
            raise self._translate(error, method) from None

    def stream(self, *path: str, **query: Any) -> Iterator[bytes]:
        """The pieces of a file. Raises what ``send`` raises."""
        try:
            yield from self._calls.iterate(ApiCall("GET", _make_path(path), ApiReply, query))
        except ClientError as error:
            raise self._translate(error, "GET") from None

    def _translate(self, error: ClientError, method: str) -> AriError:
        if isinstance(error, InvalidSettings):
            return errors.Invalid(errors.Problem("value", str(error)))
        if isinstance(error, ConnectionFailed):
            unknown = "" if method in _SAFE else " Whether anything was changed is unknown."
            return RemoteFailed(f"{error.detail}{unknown}")
        if isinstance(error, ApiError):
            return translate_refusal(error)
        return RemoteFailed(f"{self.url} doesn't respond like ARI. {error}".replace("base_url", "the URL"))


def translate_refusal(error: ApiError) -> AriError:
    """The error that a command raises for the same reason on a data directory."""
    seconds = error.retry_after_seconds or 1
    match error:
        case NotAuthenticated():
            return RemoteFailed(f"The remote instance refused the key: {error.detail}")
        case PermissionDenied():
            return errors.Forbidden(error.detail, error.scope)
        case NotFound():
            return errors.NotFound(error.detail)
        case Conflict():
            return errors.Conflict(error.code, error.detail)
        case InvalidRequest() if error.problems:
            return errors.Invalid(*error.problems)
        case RateLimited():
            return errors.RateLimited(error.detail, seconds)
        case Unavailable():
            return errors.Unavailable(error.detail, seconds)
        case _:
            return RemoteFailed(error.detail)


def _make_path(segments: tuple[str, ...]) -> str:
    if set(segments) & {"", ".", ".."}:
        raise errors.NotFound
    template = "/".join(("/api", *(f"{{{number}}}" for number in range(len(segments)))))
    return fill_path(template, **{str(number): one for number, one in enumerate(segments)})
