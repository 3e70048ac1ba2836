"""The rows of the usage log and the counts read from it."""

from dataclasses import dataclass
from typing import Literal

import msgspec

from ari.base.ids import is_id
from ari.keys.limits.charge import Charge
from ari.keys.reasons import ACCEPTED
from ari.usage.ai import AiUse

Source = Literal["request", "verify", "proxy", "guard"]

ROW_KIND = "req"
"""The kind of a row's id: it is the request's."""
MANY = "*"
"""Replaces texts that differ between the requests that one row counts."""
OTHERS = "other"
"""The shared bucket of addresses or user agents that are unknown, not kept, or beyond a limit."""
OTHER_ADDRESSES = OTHERS


class UsageRow(msgspec.Struct):
    """One request with a stored or deleted key.

    ``id`` begins with ``at_ms`` (``new_id(ROW_KIND, at_ms)``), so that a span of time is a span of ids. ``request_id``
    is the caller's ``x-request-id``, by default ``id``. ``code`` is ``ok`` or the refusal's code. ``route`` is the
    template, never the caller's text, because its hourly counts are kept forever. ``status``, ``duration_ms`` (to the
    start of the response) and ``bytes`` are ``None`` while the handler of an unsafe method runs, and stay so if the
    process dies before it ends. ``count`` > 1 is the number of refusals in a flood so far (security.md 18). ``source``
    is ``request`` if the request itself had the key, ``verify`` if a service asked ARI about it, ``proxy`` if a proxy
    did, and ``guard`` if ``ari.guard`` verified the key inside a service. ``secret_number`` is that of the key's
    secret, ``None`` for its first and only one. ``consumed`` are the units by limit, as JSON. ``ai`` is its AI use, if
    that was read too.

    ``charge`` is what the commit consumes. It refuses a request that exceeds a limit: the caller reads its decision.
    """

    id: str
    at_ms: int
    request_id: str
    key_id: str
    key_hint: str
    code: str
    method: str
    route: str
    path: str
    client_address: str | None
    user_agent: str | None
    status: int | None = None
    duration_ms: float | None = None
    bytes: int | None = None
    count: int = 1
    source: Source = "request"
    secret_number: int | None = None
    consumed: str | None = None
    ai: AiUse | None = None
    charge: Charge | None = None

    @property
    def accepted(self) -> bool:
        return self.code == ACCEPTED


@dataclass(frozen=True, slots=True)
class Backlog:
    """Logged requests that are not folded yet: about how many, and when the oldest began. ``set_aside`` more can't be
    folded."""

    rows: int
    oldest_at_ms: int | None
    set_aside: int = 0


class Completion(msgspec.Struct, frozen=True):
    """How an unsafe request ended; completes the row that was committed before its handler ran."""

    id: str
    status: int
    duration_ms: float
    bytes: int | None


class Attempt(msgspec.Struct, frozen=True):
    """Requests without a valid key, counted by reason, address (IPv6: its /64) and minute; not listed.

    Those that a service asks ``/api/verify`` about have the ID of its key for an address. ``source`` isn't stored.
    """

    at_ms: int
    reason: str
    address: str
    count: int = 1
    source: Source = "request"


def split_source(text: str) -> tuple[str | None, str | None]:
    """The client address of counted attempts, or the ID of the key that asked ``/api/verify`` about them."""
    return (None, text) if is_id("key", text) else (text, None)


@dataclass(frozen=True, slots=True)
class KeyTotals:
    """All-time counts of one key. Last use and request count are of accepted requests only."""

    request_count: int = 0
    refused_count: int = 0
    first_used_at_ms: int | None = None
    last_used_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class KeyClient:
    """Requests of one key from one client; ``value`` is its address or user agent.

    The times are those of its first and last request, including refused ones.
    """

    value: str
    accepted_count: int
    refused_count: int
    first_seen_at_ms: int
    last_seen_at_ms: int


@dataclass(frozen=True, slots=True)
class SecretUse:
    """Requests with one secret of a rotated key. ``is_complete``: none was left out, as the log has too many."""

    accepted_count: int
    refused_count: int
    last_used_at_ms: int | None
    addresses: list[KeyClient]
    agents: list[KeyClient]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class HourCount:
    """The requests of one key in the hour that begins at ``hour_ms``."""

    hour_ms: int
    accepted_count: int
    refused_count: int


@dataclass(frozen=True, slots=True)
class RouteCount:
    """The requests of one route."""

    route: str
    accepted_count: int
    refused_count: int


@dataclass(frozen=True, slots=True)
class KeyCount:
    """The requests of one key in a span of time."""

    key_id: str
    accepted_count: int
    refused_count: int


@dataclass(frozen=True, slots=True)
class GroupCount:
    """The requests of the keys of a consumer or with a tag; ``name`` is the consumer's ID or the tag."""

    name: str
    key_count: int
    accepted_count: int
    refused_count: int


@dataclass(frozen=True, slots=True)
class TopKeys:
    """The most used keys of a span; ``keys`` and ``requests`` count all keys used in it."""

    shown: list[KeyCount]
    keys: int
    requests: int


@dataclass(frozen=True, slots=True)
class AddressCount:
    """Attempts without a valid key from one address, or that a key asked ``/api/verify`` about (``split_source``)."""

    address: str
    count: int
    last_at_ms: int


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Filters the log; ``None`` means any. Times are ``since_ms`` ≤ at < ``until_ms``."""

    key_id: str | None = None
    code: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


NO_USE = KeyTotals()
