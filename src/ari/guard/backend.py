"""The interface of the guard's two back ends, and the requests that doors for frameworks pass to them."""

import asyncio
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from ari.base.addresses import Network
from ari.base.clock import Clock
from ari.base.hidden_fields import HiddenFields
from ari.guard.combined_requirement import check_charge
from ari.guard.refusal import Refusal, make_refusal
from ari.guard.requirement import Requirement
from ari.guard.verified_key import Key
from ari.http.client_address import ClientFinder, client_address, client_at
from ari.http.credentials import Credentials, explain_mistake, read_credentials
from ari.http.limit_headers import limit_headers
from ari.http.problem import Fault, Header
from ari.http.request_head import INVALID_REQUEST, RequestHead, keys_in_url, read_head
from ari.keys.limits.charge import Decision
from ari.keys.reasons import INSUFFICIENT_SCOPE, MALFORMED, MISSING, REQUEST_ERRORS, UNAVAILABLE, UNKNOWN

NO_ROUTE = "(none)"
CLIENT_GONE = 499
"""The status of a request to which no response is sent."""
_PEERS = ClientFinder(())
_ONE_KEY = "Send exactly one API key, once and without a comma; x-api-key and Authorization must not differ."


class GuardRequest(HiddenFields, msgspec.Struct, frozen=True):
    """One request to a service. ``route`` is the template of its route, ``client_address`` an IP address or ``None``.

    ``started`` is the clock's monotonic time at which the request came. ``fault`` refuses it whatever its key may do.
    """

    head: RequestHead
    credentials: Credentials
    requirement: Requirement
    route: str
    client_address: str | None
    started: float
    fault: Fault | None = None
    keys_in_url: Sequence[bytes] = ()

    def repeat(self, before: "GuardRequest") -> "GuardRequest":
        """This request, with the row of ``before``, whose decision was interrupted after it may have been logged."""
        return replace(self, head=before.head)

    @property
    def tokens(self) -> Sequence[bytes]:
        """Every text that may be a key, wherever it was sent."""
        return (*self.credentials.tokens, *self.keys_in_url)

    def refuse(self, fault: Fault, base_url: str | None, decision: Decision | None = None) -> Refusal:
        """The refusal for a fault of this request, with a hint where the key was sent wrongly."""
        if fault.detail is None and fault.reason in (MALFORMED, UNKNOWN):
            fault = Fault(fault.reason, explain_mistake(self.head))
        sent = bool(self.credentials.tokens)
        return make_refusal(fault, base_url, self.head.request_id, token_sent=sent, decision=decision)


def read_request(
    scope: MutableMapping[str, Any],
    requirement: Requirement,
    route: str | None,
    clock: Clock,
    started: float,
    trusted_proxies: Sequence[Network] = (),
) -> GuardRequest:
    """Read an ASGI HTTP scope, or a mapping with its ``method``, ``path``, ``raw_path``, ``query_string``, ``headers``
    (lower-case names, bytes) and ``client``, which a WSGI door makes."""
    head = read_head(scope, clock.now_ms())
    credentials, exposed = read_credentials(head), keys_in_url(head)
    fault = None
    if exposed:
        fault = Fault(REQUEST_ERRORS["key_in_url"])
    elif credentials.is_contradictory:
        fault = Fault(INVALID_REQUEST, _ONE_KEY)
    elif not credentials.tokens:
        fault = Fault(MISSING)
    peer = scope.get("client")
    address = peer[0] if peer else None
    if trusted_proxies:
        forwarded = [line.decode("latin-1") for line in head.lines(b"x-forwarded-for")]
        client = client_at(client_address(address, forwarded, trusted_proxies))
    else:
        client = _PEERS.find(address, ())
    return GuardRequest(head, credentials, requirement, route or NO_ROUTE, client.text, started, fault, exposed)


class Admission:
    """The decision about one request: ``key`` or ``refusal`` is set. The door calls ``finish`` before it responds.

    ``base_url`` is the public URL of ARI, to which refusals link. ``decision`` is that about the key's limits, once it
    is made. ``runs_at_once``: its methods wait for no event loop, but block the thread.
    """

    runs_at_once = False

    def __init__(self, request: GuardRequest, base_url: str | None) -> None:
        self.request = request
        self.base_url = base_url
        self.key: Key | None = None
        self.refusal: Refusal | None = None
        self.decision: Decision | None = None

    def refuse(self, fault: Fault) -> Refusal:
        """Refuse the request, if it isn't yet."""
        if self.refusal is None:
            self.refusal = self.request.refuse(fault, self.base_url, self.decision)
        return self.refusal

    def require_more(self, requirement: Requirement) -> Refusal | None:
        """Check the scopes of a second guard on the same request, which consumes nothing more.

        A key that could not be verified passes this one too: ``on_unavailable="allow"`` means the whole request. Raises
        ``ConfigurationError`` if it names another cost or other limits than those that were decided.
        """
        check_charge(requirement, self.request.requirement)
        key = self.key
        if self.refusal is None and key is not None and key.verified and not key.has_all(requirement.scopes):
            scope = next(scope for scope in requirement.scopes if not key.has(scope))
            self.refuse(Fault(INSUFFICIENT_SCOPE, scope=scope))
        return self.refusal

    @property
    def headers(self) -> list[Header]:
        """The headers to add to the response of an admitted request: what remains of the key's limits."""
        return [] if self.decision is None else limit_headers(self.decision)

    async def finish(self, status: int, length: int | None) -> Refusal | None:  # noqa: ARG002 - of subclasses
        """Log the response with this status and length in bytes; no byte of it may be sent before this returns.

        Another call is for the response that is sent in place of that of an earlier one.

        Returns the refusal to send in its place, if the request can't be logged. Here, where nothing could be decided,
        there is nothing to log.
        """
        return None

    def complete(self, status: int) -> None:
        """Log the status of a request whose client is gone, or whose handler failed; sends and raises nothing."""


def refuse_all(request: GuardRequest) -> Admission:
    """The admission where nothing can be decided."""
    admission = Admission(request, None)
    admission.refuse(Fault(UNAVAILABLE))
    return admission


class Backend(Protocol):
    """Verifies requests: in this process, or by asking an instance."""

    clock: Clock
    trusted_proxies: Sequence[Network]

    async def open(self, scopes: Sequence[str] = ()) -> None:
        """Open connections for the running event loop, if they aren't. Raises ``ConfigurationError``.

        ``scopes`` are those that the service requires anywhere; undeclared ones are logged as errors.
        """

    def check(self, requirement: Requirement) -> None:
        """Raise ``ConfigurationError`` for a requirement that this back end can't keep."""

    def find_missing_data(self) -> Path | None:
        """The data directory, if there is no instance in it yet. Raises ``ConfigurationError`` for wrong settings."""

    async def admit(self, request: GuardRequest) -> Admission:
        """Decide about a request. Never raises: what can't be decided is a refusal.

        A request with an unsafe method, or whose key has limits, is committed to the usage log before this returns, so
        its handler may act at once. Others are committed by ``finish``.
        """

    def admit_at_once(self, request: GuardRequest, loop: asyncio.AbstractEventLoop) -> Admission | None:
        """Decide on the calling thread, without an event loop; ``None`` if only ``admit`` can. Otherwise as ``admit``.

        ``loop`` is the one that ``admit`` would use; it runs as long as threads do. The admission ``runs_at_once``.
        """

    async def close(self) -> None:
        """Write what is still buffered, and close the connections of the running event loop."""
