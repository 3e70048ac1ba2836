"""The usage log's rows and what is read back from them."""

from dataclasses import dataclass
from typing import Literal

import msgspec

from ari.keys.reasons import ACCEPTED
from ari.usage.ai import AiUse

Source = Literal["request", "verify"]

ROW_KIND = "req"
"""The kind of a row's id: it is the request's."""
MANY = "*"
"""Stands in a counted row for texts that differ between the requests it counts."""
OTHERS = "other"
"""The bucket of addresses or user agents that are too many, not known, or not kept."""
OTHER_ADDRESSES = OTHERS


class UsageRow(msgspec.Struct):
    """One request that presented a stored or deleted key.

    ``id`` is made of ``at_ms`` (``new_id(ROW_KIND, at_ms)``), so that a span of time is a span of ids. ``request_id``
    is the caller's ``x-request-id`` or, without one, ``id``. ``code`` is ``ok`` or the refusal's code. ``route`` is the
    template, never the caller's text: it is counted by the hour for ever. ``status``, ``duration_ms`` (to the start of
    the response) and ``bytes`` are ``None`` while the handler of an unsafe method still runs, and stay so if the
    process dies meanwhile. ``count`` > 1 stands for that many refusals of a flood (security.md 18); it is the whole
    number so far, not an addition. ``source`` tells who presented the key: the request itself (``request``) or a
    service that asked us about it (``verify``). ``ai`` is what it used at a provider, where that was read as well.
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
    ai: AiUse | None = None

    @property
    def accepted(self) -> bool:
        return self.code == ACCEPTED


@dataclass(frozen=True, slots=True)
class Completion:
    """How an unsafe request ended: fills the row that was committed before its handler ran."""

    id: str
    status: int
    duration_ms: float
    bytes: int | None


class Attempt(msgspec.Struct, frozen=True):
    """Requests with no key of ours: counted per reason, address (IPv6: its /64) and minute, not listed."""

    at_ms: int
    reason: str
    address: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class KeyTotals:
    """What a key was used for in all. Last used and request count are of accepted requests alone."""

    request_count: int = 0
    refused_count: int = 0
    first_used_at_ms: int | None = None
    last_used_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """From where a key was used, or by what: ``value`` is a client's address or a user agent.

    The times are those of the first and the last request, refused ones among them.
    """

    value: str
    accepted_count: int
    refused_count: int
    first_seen_at_ms: int
    last_seen_at_ms: int


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
class TopKeys:
    """The keys used most in a span; ``keys`` and ``requests`` are of all that were used in it."""

    shown: list[KeyCount]
    keys: int
    requests: int


@dataclass(frozen=True, slots=True)
class AddressCount:
    """How many attempts without a key of ours came from an address."""

    address: str
    count: int
    last_at_ms: int


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Narrows the log; ``None`` = any. Times are ``since_ms`` ≤ at < ``until_ms``."""

    key_id: str | None = None
    code: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


NO_USE = KeyTotals()
