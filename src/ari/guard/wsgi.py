"""The guard's WSGI middleware, for Flask; it imports no framework.

Outside the framework, so that it sees the response that the caller gets, whatever made it: a handler, an error handler,
or the server after an exception.
"""

from collections.abc import Callable, Iterable
from typing import Any

from ari.guard.cache_headers import VARY, make_private
from ari.guard.entry import Ari
from ari.guard.held_request import ENDINGS, HeldRequest
from ari.guard.refusal import Refusal

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
Decide = Callable[[Environ, HeldRequest, int], None]
"""Decides about a request without a decision, before a response with this status."""
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]
PLACE = "ari.guard"
_REASONS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests"}
_SET_BY_APP = ("content-type", "content-length")


class HoldingApp:
    """Puts a ``HeldRequest`` into the environment, and holds the response until the usage log has the request."""

    def __init__(self, app: WsgiApp, ari: Ari, decide: Decide) -> None:
        self._app = app
        self._ari = ari
        self._decide = decide

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1", "replace")
        held = environ[PLACE] = HeldRequest(self._ari, environ, path.decode("utf-8", "surrogateescape"))
        start = _HeldStart(held, environ, start_response, self._decide)
        is_decided = False
        try:
            body = start.release(self._app(environ, start))
            is_decided = True
            return body
        except BaseException as error:
            refusal = start.fail(can_replace=not isinstance(error, ENDINGS))
            is_decided = True
            if refusal is None:
                raise
            return start.send(refusal)
        finally:
            if not is_decided:  # a second exception, such as a time limit inside of what the first one brought about
                start.fail(can_replace=False)


class _HeldStart:
    """A ``start_response`` that keeps the start until the first piece of the body, as WSGI has it, and logs it then."""

    def __init__(self, held: HeldRequest, environ: Environ, start_response: StartResponse, decide: Decide) -> None:
        self._held = held
        self._decide = decide
        self._environ = environ
        self._method = environ["REQUEST_METHOD"]
        self._file_wrapper = environ.get("wsgi.file_wrapper")
        self._start = start_response
        self._kept: tuple[Any, ...] | None = None
        self._send_piece: Callable[[bytes], object] = len  # of a replaced response: sends nothing
        self._is_sent = False
        self._replacement: list[bytes] | None = None
        self.started = False

    def __call__(self, status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
        if not self.started and self._held.admission is None:
            self._decide(self._environ, self._held, int(status[:3]))
        if self.started or self._held.admission is None:
            if not self.started:
                self._held.finish(int(status[:3]), None)  # so that no guard runs from now on
            self.started = True
            return self._start(status, headers, *error)
        self._kept = (status, headers, *error)
        return self._write

    def release(self, body: Iterable[bytes]) -> Iterable[bytes]:
        """The body to send: the app's own, unless the response was replaced."""
        try:
            if not self.started and not self._is_file(body):
                pieces = iter(body)
                body = _Rejoined([piece for piece in [next(pieces, None)] if piece is not None], pieces, body)
            if not self.started:
                self._begin()
        except BaseException:
            _close(body)
            raise
        if self._replacement is None:
            return body
        _close(body)
        return self._replacement

    def _write(self, piece: bytes) -> object:
        if not self.started and self._kept is not None:
            self._commit(*self._kept)
        self._is_sent = True
        return self._send_piece(piece)

    def _begin(self) -> None:
        """Log the response that the app began, or that it began none, which is a 500 of the server."""
        if self._kept is not None:
            self._commit(*self._kept)
            return
        refusal, is_logged = self._held.refusal, False
        if refusal is None:
            refusal, is_logged = self._held.fail(), True
        if refusal is not None:
            self._replace(refusal, is_logged=is_logged)

    def _commit(self, status: str, headers: list[tuple[str, str]], *error: Any) -> None:
        held, code = self._held, int(status[:3])
        if held.refusal is not None and code < 400:  # a refusal never becomes a success
            self._replace(held.refusal)
            return
        other = held.finish(code, _read_length(headers))
        if other is not None:
            self._replace(other, is_logged=True)
            return
        self._send_piece = self._start(status, _add_headers(headers, held), *error)
        self.started = True

    def _is_file(self, body: Iterable[bytes]) -> bool:
        """Whether the server knows how to send this body."""
        return isinstance(self._file_wrapper, type) and isinstance(body, self._file_wrapper)

    def fail(self, *, can_replace: bool) -> Refusal | None:
        """Log the 500 that the server sends after an exception; returns the refusal to send in its place.

        A response that was logged isn't sent: a server sends no head before the first piece of the body.
        """
        if self._is_sent:
            return None
        if self.started or not can_replace:
            self._held.fail()
            return None
        return self._held.refusal or self._held.fail()

    def send(self, refusal: Refusal) -> Iterable[bytes]:
        """Send a refusal in place of a response that didn't start."""
        self._replace(refusal)
        return self._replacement or []

    def _replace(self, refusal: Refusal, *, is_logged: bool = False) -> None:
        other = None if is_logged else self._held.finish(refusal.status, len(refusal.body))
        refusal = other or refusal
        self._replacement = [] if self._method == "HEAD" else [refusal.body]
        self._start(f"{refusal.status} {_REASONS.get(refusal.status, 'Error')}", refusal.text_headers)
        self.started = True


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


def _add_headers(headers: list[tuple[str, str]], held: HeldRequest) -> list[tuple[str, str]]:
    """With those of the guard that the app didn't set itself; the response of an admitted request is private."""
    assert held.admission is not None
    names = {name.lower() for name, _ in headers}
    if held.refusal is not None:
        added = [(name, value) for name, value in held.refusal.text_headers if name not in _SET_BY_APP]
        return [*headers, *((name, value) for name, value in added if name not in names)]
    limits = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in held.admission.headers]
    kept = [(name, value) for name, value in headers if name.lower() != "cache-control"]
    control = make_private([value for name, value in headers if name.lower() == "cache-control"])
    return [
        *kept,
        *((name, value) for name, value in limits if name not in names),
        ("cache-control", control),
        ("vary", VARY),
    ]


def _read_length(headers: list[tuple[str, str]]) -> int | None:
    lengths = (value for name, value in headers if name.lower() == "content-length")
    return next((int(value) for value in lengths if value.isascii() and value.isdigit()), None)


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()
