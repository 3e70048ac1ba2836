"""Advice about keys, computed from the keys and the log: at most five findings, one of each kind.

A finding that the owner dismissed stays away for the keys that it was about, as long as what was said of them holds;
with another key, or another fact, it comes back. A key is named once for its age: a key that is not used shall go,
whatever else could be said of it, and an old one is replaced rather than given an expiry.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from ari.base.clock import DAY_MS
from ari.keys.listing import UNUSED_MS, KeyFilter, KeyListing, LivingKey

Kind = Literal["late-calls", "unused", "addresses", "old", "endless"]
KINDS: tuple[Kind, ...] = ("late-calls", "unused", "addresses", "old", "endless")
"""In the order of their weight."""

OLD_MS = 365 * DAY_MS
LATE_CALLS_MS = 7 * DAY_MS
ADDRESSES_MS = 30 * DAY_MS
MANY_ADDRESSES = 10
MOST_ADDRESSES = 100
"""Counted no further."""
_BUSY_KEYS = 200
"""Of how many keys, the last used first, the addresses are counted."""
_MOST_KEYS = 20_000
"""Advice is about the oldest so many."""


class LateCall(NamedTuple):
    """Calls with a key after it expired; when and from where the last one came."""

    key_id: str
    calls: int
    at_ms: int
    client_address: str | None
    user_agent: str | None


class About(NamedTuple):
    """A key that a finding is about: ``number`` counts addresses or calls, ``at_ms`` is when it was made or used last.

    ``fact`` is what must differ for a dismissed finding to come back.
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
class Finding:
    """What to look at; ``about`` names the gravest first. ``facts`` holds the dismissed keys of this kind too."""

    kind: Kind
    about: tuple[About, ...]
    facts: Mapping[str, str]

    @property
    def mark(self) -> str:
        """Tells this finding from one about other keys or facts."""
        text = "\n".join(f"{one.key_id} {one.fact}" for one in sorted(self.about))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Facts:
    """What findings follow from: keys that work, when they were used last, from how many addresses; late calls to
    expired keys; what was dismissed, by kind and key."""

    living: Sequence[LivingKey] = ()
    used_at_ms: Mapping[str, int] = field(default_factory=dict)
    addresses: Mapping[str, int] = field(default_factory=dict)
    late: Sequence[tuple[LivingKey, LateCall]] = ()
    dismissed: Mapping[tuple[str, str], str] = field(default_factory=dict)


class UseFacts(Protocol):
    """What advice asks the usage log."""

    def last_uses(self) -> dict[str, int]:
        """When each key had its last accepted request."""

    def address_counts(self, key_ids: Sequence[str], since_ms: int, most: int) -> dict[str, int]:
        """From how many addresses each key was used, counted up to ``most``."""

    def late_calls(self, since_ms: int) -> list[LateCall]:
        """Calls with expired keys, the last caller's key first; of a flood only the latest."""


class Dismissals(Protocol):
    """What the owner does not want to hear again."""

    def all(self) -> dict[tuple[str, str], str]:
        """The fact by kind and key."""

    def replace(self, kind: Kind, facts: Mapping[str, str], now_ms: int) -> None:
        """All that is dismissed of a kind: the fact by key."""


def look(keys: KeyListing, dismissals: Dismissals, use: UseFacts, now_ms: int) -> list[Finding]:
    """Gather the facts, in six statements whatever the number of keys, and say what follows."""
    living = keys.living(now_ms, _MOST_KEYS)
    used_at_ms = use.last_uses() if living else {}
    recent = sorted((key.id for key in living if key.id in used_at_ms), key=lambda key_id: -used_at_ms[key_id])
    addresses = use.address_counts(recent[:_BUSY_KEYS], now_ms - ADDRESSES_MS, MOST_ADDRESSES) if recent else {}
    late = {call.key_id: call for call in use.late_calls(now_ms - LATE_CALLS_MS)}
    expired = keys.among(KeyFilter(now_ms, show="expired"), list(late)) if late else []
    called = [(LivingKey(k.id, k.name, k.hint, k.created_at_ms, k.expires_at_ms), late[k.id]) for k in expired]
    return findings(Facts(living, used_at_ms, addresses, called, dismissals.all()), now_ms)


def findings(facts: Facts, now_ms: int) -> list[Finding]:
    """What follows from the facts, the gravest first."""
    unused = _unused(facts, now_ms)
    idle = {one.key_id for one in unused}
    old = [_of(key) for key in facts.living if key.id not in idle and now_ms - key.created_at_ms > OLD_MS]
    told = idle | {one.key_id for one in old}
    endless = [_of(key) for key in facts.living if key.expires_at_ms is None and key.id not in told]
    by_kind: dict[Kind, Iterable[About]] = {
        "late-calls": _late(facts),
        "unused": unused,
        "addresses": _addresses(facts),
        "old": old,
        "endless": endless,
    }
    found = [_finding(kind, list(by_kind[kind]), facts.dismissed) for kind in KINDS]
    return [one for one in found if one.about]


def dismiss(dismissals: Dismissals, finding: Finding, now_ms: int) -> None:
    """Do not say this again of these keys; what no longer holds of others is forgotten."""
    dismissals.replace(finding.kind, finding.facts, now_ms)


def _finding(kind: Kind, about: list[About], dismissed: Mapping[tuple[str, str], str]) -> Finding:
    fresh = tuple(one for one in about if dismissed.get((kind, one.key_id)) != one.fact)
    return Finding(kind, fresh, {one.key_id: one.fact for one in about})


def _of(key: LivingKey) -> About:
    return About(key.id, key.name, key.hint, at_ms=key.created_at_ms)


def _unused(facts: Facts, now_ms: int) -> list[About]:
    found = []
    for key in facts.living:
        used_at_ms = facts.used_at_ms.get(key.id)
        at_ms = key.created_at_ms if used_at_ms is None else used_at_ms
        if at_ms <= now_ms - UNUSED_MS and key.created_at_ms <= now_ms - UNUSED_MS:
            used = used_at_ms is not None
            found.append(About(key.id, key.name, key.hint, str(used_at_ms or ""), at_ms=at_ms, used=used))
    return sorted(found, key=lambda one: (one.at_ms, one.name))


def _addresses(facts: Facts) -> list[About]:
    """The fact is the magnitude: a finding comes back when the addresses have doubled."""
    found = [
        About(key.id, key.name, key.hint, str(count.bit_length()), number=count, at_ms=key.created_at_ms)
        for key in facts.living
        if (count := facts.addresses.get(key.id, 0)) >= MANY_ADDRESSES
    ]
    return sorted(found, key=lambda one: (-one.number, one.name))


def _late(facts: Facts) -> list[About]:
    """The fact is the caller: a finding comes back when somebody else calls."""
    found = [
        About(key.id, key.name, key.hint, f"{call.client_address} {call.user_agent}", call.calls, call.at_ms, call)
        for key, call in facts.late
    ]
    return sorted(found, key=lambda one: (-one.at_ms, one.name))
