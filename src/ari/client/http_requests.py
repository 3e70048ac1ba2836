"""HTTP requests and responses of both clients, over HTTPX2."""

import sys
import time
from collections.abc import Generator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self

import httpx2

import ari
from ari.client.api_call import ApiCall
from ari.client.connection_settings import ConnectionSettings
from ari.client.exceptions import ConnectionFailed, InvalidSettings, UnexpectedResponse
from ari.client.exchange import MAX_RESPONSE_BYTES, ApiReply, NoReply, clean_text

_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
)
_MAX_BODY_TIMEOUTS = 6
_HEADERS = {
    "user-agent": f"ari-client/{ari.__version__} python/{sys.version_info.major}.{sys.version_info.minor}",
    "accept": "application/json, application/problem+json",
    "accept-encoding": "identity",
}


class KeyAuth(httpx2.Auth):
    """Adds the key to each request as a bearer token, which HTTP libraries and error trackers mask.

    Without a key it adds nothing; it also keeps HTTPX2 from looking into ``.netrc``.
    """

    def __init__(self, key: str | None) -> None:
        self._key = key

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Called by HTTPX2."""
        if self._key is not None:
            request.headers["authorization"] = f"Bearer {self._key}"
        yield request


def refuse_cookies() -> CookieJar:
    """A jar that stays empty: an instance sets none, and a hostile one could fill the memory."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


def request_headers(call: ApiCall[object]) -> dict[str, str]:
    """The headers of a call, without the key."""
    headers = dict(_HEADERS)
    if call.body is not None:
        headers["content-type"] = "application/json"
    if call.idempotency_key is not None:
        headers["idempotency-key"] = call.idempotency_key
    return headers


def read_head(response: httpx2.Response, body: bytes = b"") -> ApiReply:
    """The reply with what the headers say."""
    headers = response.headers
    return ApiReply(
        response.status_code,
        headers.get("content-type", "").partition(";")[0].strip().lower(),
        headers.get("retry-after", "").strip(),
        headers.get("x-request-id", ""),
        headers.get("location", ""),
        body,
    )


class FaultCatcher:
    """A block in which a fault of the connection ends the block and becomes ``reply``."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self._settings = settings
        self._reply: NoReply | None = None

    @property
    def reply(self) -> NoReply:
        """The fault; there is one if the block didn't reach its end."""
        assert self._reply is not None
        return self._reply

    def raise_fault(self) -> None:
        """Raise the fault, if there is one."""
        if self._reply is not None:
            raise self._reply.error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> bool:
        if isinstance(error, httpx2.InvalidURL | UnicodeError | OverflowError):
            raise InvalidSettings(f"The request can't be sent with these settings ({type(error).__name__}).") from None
        if isinstance(error, httpx2.DecodingError):
            raise UnexpectedResponse("The response can't be decompressed. Check base_url.") from None
        if not isinstance(error, httpx2.TransportError | httpx2.StreamError):
            return False
        self._reply = NoReply(_explain(error, self._settings), not isinstance(error, _NEVER_SENT))
        return True


def _explain(error: Exception, settings: ConnectionSettings) -> ConnectionFailed:
    if isinstance(error, httpx2.TimeoutException):
        sentence = f"No response from {settings.base_url} within {settings.timeout_seconds:g} s."
    else:
        reason = clean_text(str(error)).rstrip(".") or type(error).__name__
        sentence = f"No connection to {settings.base_url}: {reason}."
    return ConnectionFailed(sentence, code="unavailable", title="Service unavailable")


class BodyLimit:
    """Collects a body, which must be neither larger nor slower than any response of ARI."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self._ends_at = time.monotonic() + settings.timeout_seconds * _MAX_BODY_TIMEOUTS
        self._settings = settings
        self._size = 0
        self._chunks: list[bytes] = []

    def add(self, chunk: bytes) -> None:
        """Raises UnexpectedResponse or a timeout."""
        self._size += len(chunk)
        if self._size > MAX_RESPONSE_BYTES:
            raise UnexpectedResponse("The response is larger than any of ARI. Check base_url.")
        if time.monotonic() > self._ends_at:
            raise httpx2.ReadTimeout("the response took too long")
        self._chunks.append(chunk)

    def join(self) -> bytes:
        return b"".join(self._chunks)
