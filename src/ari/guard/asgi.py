"""The guard's ASGI middleware, for Starlette, FastAPI and Litestar; it imports no framework.

It decides nothing until a route's guard calls ``Guarded.authorize``. Then it holds the response until the usage log has
it. A guarded route without this middleware fails with a ``RuntimeError``, so it is never open.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal

from ari.base.errors import ConfigurationError
from ari.base.finishing import find_task, finish_canceled, may_wait
from ari.guard.backend import CLIENT_GONE, Admission, GuardRequest, read_request
from ari.guard.cache_headers import VARY, make_private
from ari.guard.entry import Ari
from ari.guard.refusal import Refusal
from ari.guard.requirement import Requirement
from ari.http.problem import Header

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Errors = Literal["problem", "app"]

_PLACE = "ari.guard"
_DISCONNECTS = ("http.disconnect", "websocket.disconnect")
_PRIVATE: Header = (b"cache-control", b"private")
_VARY: Header = (b"vary", VARY.encode())
_NO_MIDDLEWARE = "This route is guarded, but the app lacks the middleware ApiKeys: app.add_middleware(ApiKeys, ari=ari)"
_TOO_LATE = "A guard ran after the response began, when nothing can be refused: guard the whole route."
_OTHER_ARI = "This route is guarded by another Ari object than the middleware ApiKeys has; make one for the app."


class KeyRefused(Exception):
    """A guard refused the request. Each framework's module has a subclass that is its HTTP exception as well."""

    refusal: Refusal


class Guarded:
    """One request behind the middleware. ``has_begun``: its response was sent, or a part of it.

    ``is_gone``: the client hung up before.
    """

    __slots__ = ("_request", "_scope", "_started", "admission", "ari", "has_begun", "is_gone")

    def __init__(self, ari: Ari, scope: Scope) -> None:
        self.ari = ari
        self.admission: Admission | None = None
        self.has_begun = False
        self.is_gone = False
        self._request: GuardRequest | None = None
        self._scope = scope
        self._started = ari.clock.monotonic()

    async def authorize(self, requirement: Requirement, route: str | None) -> Admission:
        """Decide about the request, once; a second guard only checks its scopes. The caller raises the refusal.

        Raises ``RuntimeError`` once the response began, and ``ConfigurationError`` as ``require_more`` does.
        """
        if self.admission is not None:
            self.admission.require_more(requirement)
            return self.admission
        if self.has_begun:
            raise RuntimeError(_TOO_LATE)
        ari, scope = self.ari, self._scope
        if scope["type"] == "websocket":
            scope = {**scope, "method": "GET"}
        request = read_request(scope, requirement, route, ari.clock, self._started, ari.trusted_proxies)
        self._request = request if self._request is None else request.repeat(self._request)
        self.admission = await ari.admit(self._request)
        return self.admission

    async def authorize_late(self) -> Admission | None:
        """Decide where something responds, or fails, before a guard of the route has decided.

        That is a cache, the framework (as to a body that isn't JSON), or what interrupted the guard.
        """
        if self._request is not None:
            return await self.authorize(self._request.requirement, self._request.route)
        needed = self.ari.find_requirement(self._scope)
        return None if needed is None else await self.authorize(*needed)


def find_guarded(scope: Scope, ari: Ari) -> Guarded:
    """The guarded request of a scope. Raises ``RuntimeError`` without the middleware, or with another ``Ari``."""
    guarded: Guarded | None = scope.get(_PLACE)
    if guarded is None:
        raise RuntimeError(_NO_MIDDLEWARE)
    if guarded.ari is not ari:
        raise RuntimeError(_OTHER_ARI)
    return guarded


class ApiKeys:
    """Middleware: ``app.add_middleware(ApiKeys, ari=ari)``.

    ``errors`` says who writes refusals: ``problem`` (problem details, as ARI does), or ``app`` (the app's handler of
    the framework's HTTP exception).
    """

    def __init__(self, app: App, *, ari: Ari, errors: Errors = "problem") -> None:
        if errors not in ("problem", "app"):
            raise ConfigurationError('ApiKeys: errors must be "problem" or "app".')
        self.app = app
        self._ari = ari
        self._errors = errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._run_lifespan(scope, receive, send)
            return
        if scope["type"] not in ("http", "websocket") or (_PLACE in scope and scope[_PLACE].ari is self._ari):
            await self.app(scope, receive, send)
            return
        await self._run_guarded(scope, receive, send)

    async def _run_guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        guarded = scope[_PLACE] = Guarded(self._ari, scope)
        sender = _HeldSend(guarded, scope, send, self._errors)
        task = find_task()

        async def receive_noting() -> Message:
            message = await receive()
            if message["type"] in _DISCONNECTS:
                guarded.is_gone = True
            return message

        try:
            await self.app(scope, receive_noting, sender)
            if not guarded.has_begun:
                await finish_canceled(sender.fail())  # a server sends a 500 in place of no response, too
        except BaseException as error:
            if not may_wait(error, task):
                raise
            if not isinstance(error, KeyRefused):
                await finish_canceled(sender.fail())
                raise
            if not await finish_canceled(sender.refuse()):
                raise
        finally:
            scope.pop(_PLACE, None)  # a cycle, which would keep the request in memory until a collection
            if guarded.admission is not None and not guarded.has_begun:
                guarded.admission.complete(CLIENT_GONE)

    async def _run_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        first: list[Message] = [await receive()]
        try:
            await self._ari.open()
        except ConfigurationError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise

        async def receive_again() -> Message:
            return first.pop() if first else await receive()

        async def close_first(message: Message) -> None:
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                await self._ari.close()
            await send(message)

        await self.app(scope, receive_again, close_first)


class _HeldSend:
    """An ASGI ``send`` that holds the start of the response until the request is logged."""

    __slots__ = ("_discards", "_errors", "_guarded", "_scope", "_send")

    def __init__(self, guarded: Guarded, scope: Scope, send: Send, errors: Errors) -> None:
        self._guarded = guarded
        self._scope = scope
        self._send = send
        self._errors = errors
        self._discards = False

    async def __call__(self, message: Message) -> None:
        if self._discards:
            return
        if self._guarded.has_begun:
            await self._send(message)
            return
        match message["type"]:
            case "http.response.start" | "websocket.http.response.start":
                await self._start(message, message["status"])
            case "websocket.accept":
                await self._start(message, 101)
            case "websocket.close":
                await self._start(message, 403)
            case _:
                await self._send(message)

    async def refuse(self) -> bool:
        """Send the refusal, if there is one and no response began. Returns whether there is one."""
        admission = self._guarded.admission
        if admission is None or admission.refusal is None:
            return False
        if not self._guarded.has_begun:
            await self._send_refusal(admission, admission.refusal)
        return True

    async def fail(self) -> None:
        """Log an exception as a 500, which the framework sends next; if that fails, send a 503 instead.

        If it was raised before the guard of the route ran, a stranger gets the refusal. A handshake is refused with a
        403: each server has its own response to one that fails. Nothing is sent to a client that hung up, a 499.
        """
        guarded = self._guarded
        if guarded.has_begun:
            return
        admission = guarded.admission or await guarded.authorize_late()
        if admission is None:
            return
        if guarded.is_gone:
            await admission.finish(CLIENT_GONE, None)
        elif not await self.refuse():
            if self._scope["type"] == "websocket":
                await self._start({"type": "websocket.close"}, 403)
                return
            refusal = await admission.finish(500, None)
            guarded.has_begun = True
            if refusal is not None:
                await self._send_whole(refusal)

    async def _start(self, message: Message, status: int) -> None:
        admission = self._guarded.admission or await self._guarded.authorize_late()
        if admission is None:
            self._guarded.has_begun = True
            await self._send(message)
            return
        headers = list(message.get("headers", ()))
        refusal = admission.refusal
        if refusal is not None and (self._errors == "problem" or status < 400):
            await self._send_refusal(admission, refusal)
            return
        length, says_cache = _read_length(headers)
        refusal = await admission.finish(status, length)
        self._guarded.has_begun = True
        if refusal is not None:
            await self._send_whole(refusal)
            return
        if message["type"] != "websocket.close":
            if says_cache:
                headers = _remove_public(headers)
            else:
                headers.append(_PRIVATE)
            message = {**message, "headers": [*headers, _VARY, *admission.headers]}
        await self._send(message)

    async def _send_refusal(self, admission: Admission, refusal: Refusal) -> None:
        other = await admission.finish(refusal.status, len(refusal.body))
        self._guarded.has_begun = True
        await self._send_whole(other or refusal)

    async def _send_whole(self, refusal: Refusal) -> None:
        self._discards = True
        headers: list[Header] = list(refusal.headers)
        if self._scope["type"] == "http":
            body = b"" if self._scope["method"] == "HEAD" else refusal.body
            await self._send({"type": "http.response.start", "status": refusal.status, "headers": headers})
            await self._send({"type": "http.response.body", "body": body})
        elif "websocket.http.response" in (self._scope.get("extensions") or {}):
            headers = _join_lines(headers)
            await self._send({"type": "websocket.http.response.start", "status": refusal.status, "headers": headers})
            await self._send({"type": "websocket.http.response.body", "body": refusal.body})
        else:
            await self._send({"type": "websocket.close", "code": 1008, "reason": refusal.code})


def _remove_public(headers: list[Header]) -> list[Header]:
    """The headers with ``private`` in what the app says about caches."""
    given = [value.decode("latin-1") for name, value in headers if name.lower() == b"cache-control"]
    kept = [header for header in headers if header[0].lower() != b"cache-control"]
    return [*kept, (b"cache-control", make_private(given).encode("latin-1"))]


def _join_lines(headers: list[Header]) -> list[Header]:
    """One line for each name: granian stops at the second one of a refused handshake. Several challenges are a list."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        found[name] = found[name] + b", " + value if name in found else value
    return list(found.items())


def _read_length(headers: list[Header]) -> tuple[int | None, bool]:
    """The response's length in bytes, and whether its headers say who may cache it."""
    length, says_cache = None, False
    for name, value in headers:
        match name.lower():
            case b"content-length" if length is None and value.isdigit():
                length = int(value)
            case b"cache-control":
                says_cache = True
    return length, says_cache
