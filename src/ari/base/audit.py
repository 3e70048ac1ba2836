"""Signatures of the audit log: of its head, after every change, and of the cut that retention leaves at its start.

The hashes of the chain show which event was edited, but anybody with write access to the database can recompute them.
The head can't be signed without the master key.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Protocol, Self

from ari.base.clock import to_rfc3339
from ari.base.errors import Conflict
from ari.base.events import EventStore
from ari.base.master_key import MasterKey
from ari.base.signing import Signature, Trust, sign
from ari.base.transaction import CommandTransaction, record

FIRST = "0" * 64
"""The hash that the first event follows."""
MIN_RETENTION_DAYS = 7
"""Emails and repeated warnings look back some days."""
MAX_REPLACED = 10
"""Histories that a head says it replaced."""


class _Statement:
    """Fields as JSON text that names its kind, the same bytes each time."""

    kind: ClassVar[str]
    optional: ClassVar[frozenset[str]] = frozenset()
    """Fields that are left out while they are empty, since earlier versions don't know them."""

    def to_text(self) -> str:
        facts = {"statement": self.kind} | asdict(self)  # type: ignore[call-overload]  # subclasses are dataclasses
        facts = {name: value for name, value in facts.items() if value or name not in self.optional}
        return json.dumps(facts, sort_keys=True, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The statement, ``None`` for text of another kind or shape."""
        try:
            facts: dict[str, Any] = json.loads(text)
            return cls(**facts) if facts.pop("statement") == cls.kind else None
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


@dataclass(frozen=True, slots=True)
class Head(_Statement):
    """The last event of the audit log of one instance.

    ``position`` counts every event ever written, removed ones too. ``unsigned`` counts events that were found in the
    audit_log although no master key had signed them, ``unsigned_event_id`` is the first of them. The first ``accepted``
    events were signed as they were found: at an upgrade, after a restore of an untrusted backup, or by command.

    ``history`` is the event with which a restore or an accept began the present history. ``replaced`` has the histories
    that ended so, each with the position of its last known event: what a node committed up to there is missing on
    purpose.
    """

    kind: ClassVar[str] = "ari audit head 1"
    optional: ClassVar[frozenset[str]] = frozenset({"history", "replaced"})
    instance: str
    position: int
    event_id: str | None
    hash: str
    at_ms: int
    unsigned: int = 0
    unsigned_event_id: str | None = None
    accepted: int = 0
    history: str | None = None
    replaced: dict[str, int] = field(default_factory=dict, hash=False)

    @property
    def history_id(self) -> str:
        """The present history; the first one has the ID of the instance."""
        return self.history or self.instance

    def replaces(self, seen: "Head") -> bool:
        """Whether the event of ``seen`` belongs to a history that ended on purpose, at that event or later."""
        return seen.position <= self.replaced.get(seen.history_id, -1)

    def begin_history(self, ended: Iterable["Head"]) -> "Head":
        """This head as the first of a new history, which replaces those that ended with the given heads."""
        known = dict(self.replaced)
        for one in ended:
            for history, position in (*one.replaced.items(), (one.history_id, one.position)):
                known[history] = max(position, known.get(history, position))
        newest = sorted(known, key=lambda history: history.partition("_")[2])[-MAX_REPLACED:]
        return replace(self, history=self.event_id, replaced={history: known[history] for history in newest})


@dataclass(frozen=True, slots=True)
class Cut(_Statement):
    """What retention removed from the beginning of the audit log: how many events, of which time, up to which one.

    The first event that is left follows from ``hash``.
    """

    kind: ClassVar[str] = "ari audit cut 1"
    instance: str
    removed: int
    first_at_ms: int
    last_at_ms: int
    event_id: str
    hash: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A statement as it was signed."""

    text: str
    signature: Signature

    @classmethod
    def of(cls, key: MasterKey, statement: Head | Cut) -> Self:
        """Sign a statement."""
        text = statement.to_text()
        return cls(text, sign(key, text.encode()))

    def trust(self, keys: Sequence[MasterKey]) -> Trust:
        """Whether one of these master keys signed it."""
        return self.signature.trust(self.text.encode(), keys)


class SignedMarks(Protocol):
    """The signed head and cut inside one transaction."""

    def head(self) -> Mark | None:
        """The signed head, as it is stored."""

    def renew(self) -> bool:
        """Sign cut and head with the first master key, if another present one signed them; whether any was signed."""


class PrunableEvents(EventStore, Protocol):
    """The audit log where old events can be removed."""

    @property
    def marks(self) -> SignedMarks: ...

    def hash_of(self, event_id: str) -> str | None:
        """The hash of an event that is in the audit log, or is the last one before its cut."""

    def remove_before(self, before_ms: int, limit: int) -> tuple[Cut, int] | None:
        """Remove at most ``limit`` of the first events, those from before ``before_ms``, and sign the cut.

        Returns the cut and how many events this call removed, ``None`` if there was nothing to remove. Raises
        ``Conflict("audit_broken")`` if the audit log doesn't match its signed head or hashes; then nothing is removed.
        """

    def begins_before(self, before_ms: int) -> bool:
        """Whether the first event is from before then."""

    def is_signed_here(self) -> bool:
        """Whether a master key of this instance signed the head."""

    def accept(self) -> None:
        """Sign the audit log as it is at the end of this transaction."""


class AuditTransaction(CommandTransaction, Protocol):
    """One transaction over the audit log."""

    @property
    def events(self) -> PrunableEvents: ...


def begins_before(tx: AuditTransaction, before_ms: int) -> bool:
    """Whether the audit log has events from before then."""
    return tx.events.begins_before(before_ms)


def is_signed_here(tx: AuditTransaction) -> bool:
    """Whether a master key of this instance signed the audit log."""
    return tx.events.is_signed_here()


def get_newest(tx: CommandTransaction) -> tuple[str, str] | None:
    """The id and the hash of the last event."""
    return tx.events.newest()


def prune(tx: AuditTransaction, before_ms: int, limit: int) -> int:
    """Remove old events and record it; how many. Call again until it returns 0. Raises ``Conflict``."""
    done = tx.events.remove_before(before_ms, limit)
    if done is None:
        return 0
    cut, count = done
    detail = {
        "removed": count,
        "removed_in_all": cut.removed,
        "first_at": to_rfc3339(cut.first_at_ms),
        "last_at": to_rfc3339(cut.last_at_ms),
        "last_event": cut.event_id,
        "last_hash": cut.hash,
    }
    record(tx, "events_removed", None, detail)
    return count


def accept(tx: AuditTransaction, detail: dict[str, Any]) -> None:
    """Sign the audit log as it is, after somebody looked at what was wrong, and record that."""
    record(tx, "audit_accepted", None, detail)
    tx.events.accept()


def broken(why: str) -> Conflict:
    """The error for an audit log that must not be shortened or signed as it is."""
    return Conflict("audit_broken", f"The audit log doesn't match its signature: {why}. Run: ari doctor --audit")
