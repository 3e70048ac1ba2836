"""The guard's WSGI middleware, for Flask; it imports no framework.

Outside the framework, so that it sees the response that the caller gets, whatever made it: a handler, an error handler,
or the server after an exception.
"""

from collections.abc import Callable, Iterable
from typing import Any

from ari.guard.entry import Ari
from ari.guard.held_request import HeldRequest
from ari.guard.refusal import Refusal

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]
PLACE = "ari.guard"
_REASONS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests"}
_SET_BY_APP = ("content-type", "content-length")


class HoldingApp:
    """Puts a ``HeldRequest`` into the environment, and holds the response until the usage log has the request."""

    def __init__(self, app: WsgiApp, ari: Ari) -> None:
        self._app = app
        self._ari = ari

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1", "replace")
        held = environ[PLACE] = HeldRequest(self._ari, environ, path.decode("utf-8", "surrogateescape"))
        start = _HeldStart(held, environ["REQUEST_METHOD"], start_response)
        try:
            body = self._app(environ, start)
            return start.release(body)
        except Exception:
            refusal = None if start.started else held.refusal or held.finish(500, None)
            if refusal is None:
                raise
            return start.send(refusal)
        finally:
            if not start.started:
                held.abandon()


class _HeldStart:
    """A ``start_response`` that logs the request first."""

    def __init__(self, held: HeldRequest, method: str, start_response: StartResponse) -> None:
        self._held = held
        self._method = method
        self._start = start_response
        self._replacement: list[bytes] | None = None
        self.started = False

    def __call__(self, status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
        held, admission = self._held, self._held.admission
        if self.started or admission is None:
            self.started = True
            return self._start(status, headers, *error)
        code = int(status[:3])
        refusal = held.refusal
        if refusal is not None and code < 400:  # a refusal never becomes a success
            return self._replace(refusal)
        other = held.finish(code, _read_length(headers))
        if other is not None:
            return self._replace(other, is_logged=True)
        self.started = True
        return self._start(status, _add_headers(headers, _list_added(held)), *error)

    def release(self, body: Iterable[bytes]) -> Iterable[bytes]:
        """The body to send: the app's own, unless the response was replaced."""
        if not self.started:  # an app that starts its response with the first piece of the body
            pieces = iter(body)
            first = [piece for piece in [next(pieces, None)] if piece is not None]
            if self._replacement is None:
                return _Rejoined(first, pieces, body)
        if self._replacement is None:
            return body
        _close(body)
        return self._replacement

    def send(self, refusal: Refusal) -> Iterable[bytes]:
        """Send a refusal in place of a response that didn't start."""
        self._replace(refusal)
        return self._replacement or []

    def _replace(self, refusal: Refusal, *, is_logged: bool = False) -> Callable[[bytes], object]:
        other = None if is_logged else self._held.finish(refusal.status, len(refusal.body))
        refusal = other or refusal
        self.started = True
        self._replacement = [] if self._method == "HEAD" else [refusal.body]
        self._start(f"{refusal.status} {_REASONS.get(refusal.status, 'Error')}", refusal.text_headers)
        return lambda _: None


class _Rejoined:
    """A body whose first piece was taken off; closes the original."""

    def __init__(self, first: list[bytes], rest: Iterable[bytes], body: Iterable[bytes]) -> None:
        self._first = first
        self._rest = rest
        self._body = body

    def __iter__(self) -> Any:
        yield from self._first
        yield from self._rest

    def close(self) -> None:
        """Close the app's body."""
        _close(self._body)


def _list_added(held: HeldRequest) -> list[tuple[str, str]]:
    assert held.admission is not None
    if held.refusal is not None:
        return [(name, value) for name, value in held.refusal.text_headers if name not in _SET_BY_APP]
    limits = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in held.admission.headers]
    return [*limits, ("cache-control", "private")]


def _add_headers(headers: list[tuple[str, str]], added: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """With those that the app didn't set itself."""
    names = {name.lower() for name, _ in headers}
    return [*headers, *((name, value) for name, value in added if name not in names)]


def _read_length(headers: list[tuple[str, str]]) -> int | None:
    return next((int(value) for name, value in headers if name.lower() == "content-length" and value.isdigit()), None)


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()
