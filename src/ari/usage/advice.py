"""Recommendations about keys, computed from the keys and the log: at most five, one of each kind.

A dismissed recommendation stays away for its keys as long as their facts are the same. It returns for another key or
with another fact. Only one recommendation names a key for its age: an unused key should be deleted, and an old key
replaced rather than given an expiry. A key of today needs no advice yet.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from ari.base.clock import DAY_MS
from ari.keys.listing import NEW_MS, UNUSED_MS, KeyFilter, KeyListing, LivingKey

Kind = Literal["late-calls", "unused", "addresses", "old", "endless"]
KINDS: tuple[Kind, ...] = ("late-calls", "unused", "addresses", "old", "endless")
"""The most important first."""

OLD_MS = 365 * DAY_MS
LATE_CALLS_MS = 7 * DAY_MS
ADDRESSES_MS = 30 * DAY_MS
MANY_ADDRESSES = 10
MAX_ADDRESSES = 100
"""Where counting stops."""
_BUSY_KEYS = 200
"""The last used keys, whose addresses are counted."""
_MAX_KEYS = 20_000
"""The oldest keys, which recommendations are about."""


class LateCall(NamedTuple):
    """Calls with a key after it expired, with the time and client of the last one."""

    key_id: str
    calls: int
    at_ms: int
    client_address: str | None
    user_agent: str | None


class AdvisedKey(NamedTuple):
    """A key that a recommendation names. ``number`` counts addresses or calls; ``at_ms`` is its creation or last use.

    A dismissed recommendation returns when ``fact`` changes.
    """

    key_id: str
    name: str
    hint: str
    fact: str = ""
    number: int = 0
    at_ms: int = 0
    late: LateCall | None = None
    used: bool = False


@dataclass(frozen=True, slots=True)
class Recommendation:
    """``about`` has the most important key first. ``facts`` also has the dismissed keys of this kind."""

    kind: Kind
    about: tuple[AdvisedKey, ...]
    facts: Mapping[str, str]

    @property
    def mark(self) -> str:
        """A hash of the keys and their facts."""
        text = "\n".join(f"{one.key_id} {one.fact}" for one in sorted(self.about))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class AdviceFacts:
    """The data that recommendations come from: active keys, their last uses and numbers of addresses, late calls with
    expired keys, and dismissed facts by kind and key."""

    living: Sequence[LivingKey] = ()
    used_at_ms: Mapping[str, int] = field(default_factory=dict)
    addresses: Mapping[str, int] = field(default_factory=dict)
    late: Sequence[tuple[LivingKey, LateCall]] = ()
    dismissed: Mapping[tuple[str, str], str] = field(default_factory=dict)


class UseFacts(Protocol):
    """Queries of the usage log."""

    def last_uses(self) -> dict[str, int]:
        """When each key had its last accepted request."""

    def address_counts(self, key_ids: Sequence[str], since_ms: int, most: int) -> dict[str, int]:
        """How many addresses used each key, up to ``most``."""

    def late_calls(self, since_ms: int) -> list[LateCall]:
        """Calls with expired keys, the latest first; of a flood, only the latest."""


class Dismissals(Protocol):
    """The recommendations that the owner dismissed."""

    def all(self) -> dict[tuple[str, str], str]:
        """The dismissed facts by kind and key."""

    def replace(self, kind: Kind, facts: Mapping[str, str], now_ms: int) -> None:
        """Replace the dismissed facts of a kind; ``facts`` are by key."""


def recommendations(keys: KeyListing, dismissals: Dismissals, use: UseFacts, now_ms: int) -> list[Recommendation]:
    """Read the facts, in six statements for any number of keys, and return what follows from them."""
    living = keys.list_active(now_ms, _MAX_KEYS)
    used_at_ms = use.last_uses() if living else {}
    recent = sorted((key.id for key in living if key.id in used_at_ms), key=lambda key_id: -used_at_ms[key_id])
    addresses = use.address_counts(recent[:_BUSY_KEYS], now_ms - ADDRESSES_MS, MAX_ADDRESSES) if recent else {}
    late = {call.key_id: call for call in use.late_calls(now_ms - LATE_CALLS_MS)}
    expired = keys.among(KeyFilter(now_ms, show="expired"), list(late)) if late else []
    called = [(LivingKey(k.id, k.name, k.hint, k.created_at_ms, k.expires_at_ms), late[k.id]) for k in expired]
    return recommend(AdviceFacts(living, used_at_ms, addresses, called, dismissals.all()), now_ms)


def recommend(facts: AdviceFacts, now_ms: int) -> list[Recommendation]:
    """The recommendations for these facts, the most important first."""
    unused = _find_unused(facts, now_ms)
    idle = {one.key_id for one in unused}
    old = [_of(key) for key in facts.living if key.id not in idle and now_ms - key.secret_at_ms > OLD_MS]
    named = idle | {one.key_id for one in old}
    endless = [
        _of(key)
        for key in facts.living
        if key.expires_at_ms is None and key.id not in named and now_ms - key.created_at_ms >= NEW_MS
    ]
    by_kind: dict[Kind, Iterable[AdvisedKey]] = {
        "late-calls": _late(facts),
        "unused": unused,
        "addresses": _addresses(facts),
        "old": old,
        "endless": endless,
    }
    found = [_recommendation(kind, list(by_kind[kind]), facts.dismissed) for kind in KINDS]
    return [one for one in found if one.about]


def dismiss(dismissals: Dismissals, recommendation: Recommendation, now_ms: int) -> None:
    """Hide this for its keys. Outdated facts of other keys are removed."""
    dismissals.replace(recommendation.kind, recommendation.facts, now_ms)


def _recommendation(kind: Kind, about: list[AdvisedKey], dismissed: Mapping[tuple[str, str], str]) -> Recommendation:
    fresh = tuple(one for one in about if dismissed.get((kind, one.key_id)) != one.fact)
    return Recommendation(kind, fresh, {one.key_id: one.fact for one in about})


def _of(key: LivingKey) -> AdvisedKey:
    return AdvisedKey(key.id, key.name, key.hint, at_ms=key.secret_at_ms)


def _find_unused(facts: AdviceFacts, now_ms: int) -> list[AdvisedKey]:
    found = []
    for key in facts.living:
        used_at_ms = facts.used_at_ms.get(key.id)
        at_ms = key.created_at_ms if used_at_ms is None else used_at_ms
        if at_ms <= now_ms - UNUSED_MS and key.created_at_ms <= now_ms - UNUSED_MS:
            used = used_at_ms is not None
            found.append(AdvisedKey(key.id, key.name, key.hint, str(used_at_ms or ""), at_ms=at_ms, used=used))
    return sorted(found, key=lambda one: (one.at_ms, one.name))


def _addresses(facts: AdviceFacts) -> list[AdvisedKey]:
    """The fact is the magnitude, so it returns when the number of addresses has doubled."""
    found = [
        AdvisedKey(key.id, key.name, key.hint, str(count.bit_length()), number=count, at_ms=key.created_at_ms)
        for key in facts.living
        if (count := facts.addresses.get(key.id, 0)) >= MANY_ADDRESSES
    ]
    return sorted(found, key=lambda one: (-one.number, one.name))


def _late(facts: AdviceFacts) -> list[AdvisedKey]:
    """The fact is the caller, so it returns when another client calls."""
    found = [
        AdvisedKey(key.id, key.name, key.hint, f"{call.client_address} {call.user_agent}", call.calls, call.at_ms, call)
        for key, call in facts.late
    ]
    return sorted(found, key=lambda one: (-one.at_ms, one.name))
