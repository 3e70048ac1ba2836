"""One request to a service whose framework has no event loop that the guard could use: WSGI, and Django.

The framework's module keeps it with the request, a route's guard calls ``authorize``, and the response is held until
``finish`` has returned.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ari.guard.backend import CLIENT_GONE, Admission, GuardRequest, read_request
from ari.guard.calling_thread import run_at_once
from ari.guard.entry import Ari
from ari.guard.refusal import Refusal
from ari.guard.requirement import Requirement
from ari.http.credentials import read_credentials
from ari.http.request_head import read_head

ENDINGS = (KeyboardInterrupt, SystemExit)
"""Exceptions that end a server: no response replaces them."""
_TOO_LATE = "A guard ran after the response began, when nothing can be refused: guard the whole view."
_PATH_CHARACTERS = "/:@!$&'()*+,;=~"


class HeldRequest:
    """``environ`` is the WSGI environment, or Django's ``request.META``; ``path`` the whole path as text, decoded."""

    __slots__ = ("_environ", "_is_finished", "_is_logged", "_path", "_request", "_started", "admission", "ari")

    def __init__(self, ari: Ari, environ: Mapping[str, Any], path: str) -> None:
        self.ari = ari
        self.admission: Admission | None = None
        self._environ = environ
        self._path = path
        self._started = ari.clock.monotonic()
        self._request: GuardRequest | None = None
        self._is_finished = False
        self._is_logged = False

    @property
    def refusal(self) -> Refusal | None:
        """The refusal of the request, if a guard refused it."""
        return None if self.admission is None else self.admission.refusal

    @property
    def has_key(self) -> bool:
        """Whether a header holds a text that may be a key."""
        found = read_credentials(read_head(self._read_scope(), 0))
        return found.is_contradictory or bool(found.tokens)

    def authorize(self, requirement: Requirement, route: str | None) -> Admission:
        """Decide about the request, once; a second guard only checks its scopes.

        Raises ``RuntimeError`` once the response began, and ``ConfigurationError`` as ``require_more`` does.
        """
        if self.admission is not None:
            self.admission.require_more(requirement)
            return self.admission
        request = self._read_request(requirement, route)
        self.admission = self.ari.admit_at_once(request)
        return self.admission or self.ari.run(self._admit(request))

    async def authorize_async(self, requirement: Requirement, route: str | None) -> Admission:
        """Likewise, for async code."""
        if self.admission is not None:
            self.admission.require_more(requirement)
            return self.admission
        return await self.ari.run_async(self._admit(self._read_request(requirement, route)))

    def finish(self, status: int, length: int | None) -> Refusal | None:
        """Log the response, before its first byte; returns the refusal to send in its place if that fails.

        No guard may decide about a request without one from then on. Call it again if an exception keeps the response
        from being sent: the log has what was sent last.
        """
        if self.admission is None:
            self._is_finished = True
            return None
        run = run_at_once if self.admission.runs_at_once else self.ari.run
        return run(self._finish(self.admission, status, length))

    async def finish_async(self, status: int, length: int | None) -> Refusal | None:
        """Likewise, for async code."""
        if self.admission is None:
            self._is_finished = True
            return None
        if self.admission.runs_at_once:  # a sync view's, which would block this event loop
            return await asyncio.to_thread(self.finish, status, length)
        return await self.ari.run_async(self._finish(self.admission, status, length))

    def fail(self) -> Refusal | None:
        """Log that an exception keeps a response from being sent, so that the server sends a 500.

        A decision that it interrupted is made first. Returns the refusal to send in its place if logging fails.
        """
        if self._is_interrupted and self._request is not None:
            self.authorize(self._request.requirement, self._request.route)
        return self.finish(500, None)

    async def fail_async(self, status: int = 500) -> Refusal | None:
        """Likewise, for async code. ``status`` is 499 if the client is gone."""
        if self._is_interrupted and self._request is not None:
            await self.authorize_async(self._request.requirement, self._request.route)
        return await self.finish_async(status, None)

    def abandon(self) -> None:
        """Complete the row of a request whose coroutine is closed, which can wait for nothing, if it has one."""
        if self.admission is not None and not self._is_logged:
            run = run_at_once if self.admission.runs_at_once else self.ari.run
            run(self._abandon(self.admission))

    @property
    def _is_interrupted(self) -> bool:
        """Whether an exception ended the guard before it had decided."""
        return self.admission is None and not self._is_finished

    def _read_request(self, requirement: Requirement, route: str | None) -> GuardRequest:
        if self._is_finished:
            raise RuntimeError(_TOO_LATE)
        ari = self.ari
        found = read_request(self._read_scope(), requirement, route, ari.clock, self._started, ari.trusted_proxies)
        self._request = found if self._request is None else found.repeat(self._request)
        return self._request

    async def _admit(self, request: GuardRequest) -> Admission:
        self.admission = await self.ari.admit(request)
        return self.admission

    async def _finish(self, admission: Admission, status: int, length: int | None) -> Refusal | None:
        self._is_finished = True
        refusal = await admission.finish(status, length)
        self._is_logged = True
        return refusal

    async def _abandon(self, admission: Admission) -> None:
        admission.complete(CLIENT_GONE)

    def _read_scope(self) -> dict[str, Any]:
        """The request as the mapping that ``read_request`` takes."""
        environ = self._environ
        address = environ.get("REMOTE_ADDR")
        return {
            "method": environ["REQUEST_METHOD"],
            "path": self._path,
            "raw_path": quote(self._path, _PATH_CHARACTERS, errors="surrogateescape").encode("ascii"),
            "query_string": environ.get("QUERY_STRING", "").encode("latin-1", "replace"),
            "headers": _read_headers(environ),
            "client": (address, 0) if address else None,
        }


def join_headers(refusal: Refusal) -> dict[str, str]:
    """The refusal's headers by name, for frameworks that hold one line of each: several challenges are one list."""
    found: dict[str, str] = {}
    for name, value in refusal.text_headers:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _read_headers(environ: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    return [
        (name[5:].replace("_", "-").lower().encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
