"""Requests to a remote instance; every failure is one sentence."""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import quote, urlsplit

import httpx2

from ari import __version__
from ari.base.errors import AriError, Conflict, Forbidden, Invalid, NotFound, Problem, RateLimited, Unavailable
from ari.cli.remote.credential import is_loopback_host

CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
PAGE = 200
MAX_RESPONSE_BYTES = 64 * 1024 * 1024
_SAFE = ("GET", "HEAD")
_PROBLEM = "application/problem+json"


class RemoteFailed(AriError):
    """The remote instance can't be reached, isn't ARI, or failed."""


class RemoteKeyRefused(AriError):
    """The remote instance doesn't accept the key."""


class Connection:
    """Sends requests with the key to one instance. Redirects aren't followed: the key stays there."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        host = urlsplit(url).hostname or ""
        self._client = httpx2.Client(
            base_url=url,
            headers={"x-api-key": key, "user-agent": f"ari-cli/{__version__}", "accept": "application/json"},
            timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            trust_env=not is_loopback_host(host),  # a proxy of the environment must not get the key for this machine
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, *path: str, **query: Any) -> dict[str, Any]:
        """The JSON object at ``/api`` and these segments. Query parameters that are ``None`` are left out."""
        return self.send("GET", *path, query=query)

    def list_items(self, *path: str, limit: int | None = None, **query: Any) -> list[dict[str, Any]]:
        """The items of all pages, at most ``limit``."""
        found: list[dict[str, Any]] = []
        cursor = None
        while limit is None or len(found) < limit:
            size = PAGE if limit is None else min(PAGE, limit - len(found))
            page = self.get(*path, limit=size, cursor=cursor, **query)
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return found

    def send(
        self, method: str, *path: str, body: object = None, query: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The JSON object of the response; an empty one where it has no content.

        Raises ``RemoteFailed``, ``RemoteKeyRefused`` and the errors of the API as the commands raise them: ``Invalid``,
        ``NotFound``, ``Conflict``, ``Forbidden``, ``RateLimited``, ``Unavailable``.
        """
        with self._open(method, path, query, body) as response:
            content = bytearray()
            for piece in response.iter_bytes():
                content += piece
                if len(content) > MAX_RESPONSE_BYTES:
                    raise RemoteFailed(f"The response of {self.url} is too large.")
        if response.status_code == httpx2.codes.NO_CONTENT:
            return {}
        found = _parse_json(bytes(content))
        if found is None or "json" not in response.headers.get("content-type", ""):
            self._refuse_foreign(response)
        return found

    def stream(self, *path: str, **query: Any) -> Iterator[bytes]:
        """The pieces of a file. Raises what ``send`` raises."""
        with self._open("GET", path, query, None) as response:
            if "content-disposition" not in response.headers:
                self._refuse_foreign(response)
            yield from response.iter_bytes()

    @contextmanager
    def _open(
        self, method: str, path: tuple[str, ...], query: Mapping[str, Any] | None, body: object
    ) -> Iterator[httpx2.Response]:
        """A successful response, whose body isn't read yet."""
        url = "/".join(["/api", *(quote(part, safe="") for part in path)])
        given = {name: _write_query(value) for name, value in (query or {}).items() if value is not None}
        sent: dict[str, Any] = {} if body is None else {"json": body}
        try:
            with self._client.stream(method, url, params=given, **sent) as response:
                if not response.is_success:
                    self._refuse(response)
                yield response
        except httpx2.TimeoutException as error:
            unknown = "" if method in _SAFE or isinstance(error, httpx2.ConnectTimeout) else _UNKNOWN
            raise RemoteFailed(f"{self.url} didn't respond in time.{unknown}") from None
        except httpx2.ConnectError as error:
            raise RemoteFailed(_describe_connect(self.url, error)) from None
        except httpx2.HTTPError as error:
            unknown = "" if method in _SAFE or isinstance(error, httpx2.ProxyError) else _UNKNOWN
            raise RemoteFailed(f"The connection to {self.url} broke ({type(error).__name__}).{unknown}") from None

    def _refuse(self, response: httpx2.Response) -> NoReturn:
        """Raise the error of a response that isn't a success."""
        status = response.status_code
        if response.is_redirect:
            raise RemoteFailed(f"{self.url} redirects elsewhere (status {status}). Use the URL of the instance itself.")
        content = b"".join(piece for piece, _ in zip(response.iter_bytes(), range(64), strict=False))
        problem = _parse_json(content) if response.headers.get("content-type", "").startswith(_PROBLEM) else None
        if problem is None or not isinstance(problem.get("detail"), str):
            self._refuse_foreign(response)
        raise parse_problem(status, problem, response.headers.get("retry-after"))

    def _refuse_foreign(self, response: httpx2.Response) -> NoReturn:
        kind = response.headers.get("content-type", "no content type").partition(";")[0][:60]
        raise RemoteFailed(f"{self.url} isn't an ARI instance: it returned {kind} (status {response.status_code}).")


def parse_problem(status: int, problem: Mapping[str, Any], retry_after: str | None) -> AriError:
    """The error that problem details describe; invalid fields as the commands name them."""
    detail, code = str(problem["detail"]), str(problem.get("code"))
    seconds = int(retry_after) if retry_after is not None and retry_after.isdecimal() else 1
    match status:
        case 401:
            return RemoteKeyRefused(f"The remote instance refused the key: {detail}")
        case 403:
            return Forbidden(detail, problem.get("scope"))
        case 404:
            return NotFound(detail)
        case 409:
            return Conflict(code, detail)
        case 429:
            return RateLimited(detail, seconds)
        case 503:
            return Unavailable(detail, seconds)
        case 400 | 422 if isinstance(problem.get("errors"), list) and problem["errors"]:
            return Invalid(*(Problem(str(one["location"]), str(one["message"])) for one in problem["errors"]))
        case _:
            return RemoteFailed(detail)


_UNKNOWN = " The change may have been made."


def _describe_connect(url: str, error: httpx2.ConnectError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            reason = getattr(cause, "verify_message", "") or cause.reason or "no TLS"
            return f"Can't trust {url}: its TLS certificate or protocol isn't valid ({reason})."
        cause = cause.__cause__ or cause.__context__
    return f"Can't connect to {url}: {error}."


def _parse_json(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _write_query(value: Any) -> Any:
    return ("false", "true")[value] if isinstance(value, bool) else value
