"""Walk the audit log from its first event or its cut, and compare it with what was signed (security.md 21)."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from ari.base.audit import FIRST, Cut, Head, Mark
from ari.base.clock import to_rfc3339
from ari.base.master_key import MasterKeys
from ari.base.signing import present_keys
from ari.storage.audit_log.chain import Break, follows
from ari.storage.audit_log.marks import AuditMarks
from ari.storage.tables import events


@dataclass(frozen=True, slots=True)
class AuditLogCheck:
    """The result of a walk. ``walked`` events were checked, ``removed`` ones are before the cut.

    ``skipped`` events are older than those that were to be checked. ``broken`` is the first event that breaks the
    chain. ``fault`` describes a mismatch with the signatures.
    """

    walked: int
    removed: int = 0
    broken: Break | None = None
    fault: str | None = None
    head: Head | None = None
    fingerprint: str | None = None
    skipped: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether every event is there as it was written."""
        return self.broken is None and self.fault is None


@dataclass(frozen=True, slots=True)
class _Walk:
    """Position and hash of the named events by id; how many events were removed and skipped; the last position."""

    found: dict[str, tuple[int, str]]
    removed: int
    skipped: int
    last_position: int

    def has_skipped(self, head: Head) -> bool:
        """Whether the event of this head is older than those that were walked."""
        return self.removed < head.position <= self.removed + self.skipped


@dataclass(frozen=True, slots=True)
class _Start:
    """The event that a walk begins after: its number, hash and position."""

    seq: int
    hash: str
    position: int


def examine(connection: Connection, keys: MasterKeys, witness: Mark | None, newest: int | None = None) -> AuditLogCheck:
    """Walk every event, or only the ``newest`` ones, whose predecessor is then trusted.

    ``connection`` must see one snapshot; ``witness`` was read before it.
    """
    marks = AuditMarks(connection, keys)
    head_mark, cut_mark = marks.head(), marks.cut()
    head = None if head_mark is None else Head.parse(head_mark.text)
    cut = None if cut_mark is None else Cut.parse(cut_mark.text)
    seen = None if witness is None else Head.parse(witness.text)
    removed = 0 if cut is None else cut.removed
    wanted = {one.event_id for one in (head, seen) if one is not None and one.event_id is not None}
    start = _find_start(connection, _Start(-1, FIRST if cut is None else cut.hash, removed), newest)
    skipped = start.position - removed
    previous, position, found = start.hash, start.position, dict[str, tuple[int, str]]()
    query = select(events).where(events.c.seq > start.seq).order_by(events.c.seq).execution_options(yield_per=500)
    with connection.execute(query) as rows:
        for row in rows.mappings():
            position += 1
            if not follows(previous, dict(row)):
                broken = Break(row["id"], row["at_ms"], position)
                return AuditLogCheck(position - start.position, removed, broken, skipped=skipped)
            previous = row["hash"]
            if row["id"] in wanted:
                found[row["id"]] = position, row["hash"]
    walk = _Walk(found, removed, skipped, position)
    fault = (
        _cut_fault(cut_mark, cut, head, keys)
        or _head_fault(head_mark, head, walk, keys)
        or _witness_fault(witness, seen, head, cut, walk, keys)
    )
    fingerprint = None if head_mark is None else head_mark.signature.fingerprint
    return AuditLogCheck(position - start.position, removed, None, fault, head, fingerprint, skipped)


def _find_start(connection: Connection, beginning: _Start, newest: int | None) -> _Start:
    """The event before the ``newest`` ones; the beginning if there aren't more than these."""
    if newest is None:
        return beginning
    before = select(events.c.seq, events.c.hash).order_by(events.c.seq.desc()).offset(newest).limit(1)
    row = connection.execute(before).first()
    if row is None:
        return beginning
    count = connection.execute(select(func.count()).select_from(events)).scalar_one()
    return _Start(row.seq, row.hash, beginning.position + count - newest)


def _cut_fault(mark: Mark | None, cut: Cut | None, head: Head | None, keys: MasterKeys) -> str | None:
    if mark is None:
        return None
    fault = _signature_fault("cut", mark, keys)
    if fault is None and (cut is None or head is None or cut.instance != head.instance):
        return "its retention cut belongs to a different audit log"
    return fault


def _head_fault(mark: Mark | None, head: Head | None, walk: _Walk, keys: MasterKeys) -> str | None:
    if mark is None:
        return None if not walk.last_position else "it has no signed head: the head was removed or couldn't be signed"
    fault = _signature_fault("head", mark, keys)
    if fault is not None:
        return fault
    if head is None:
        return "its signed head can't be read"
    position, chained = walk.found.get(head.event_id or "", (0, FIRST))
    if walk.has_skipped(head):
        position = head.position
    elif (position, chained) != (head.position, head.hash):
        return (
            f"its signed head is event {head.event_id} at position {head.position} from {to_rfc3339(head.at_ms)}, "
            "which is missing: events were rewritten or removed"
        )
    unsigned = walk.last_position - position
    if unsigned:
        return f"{_events(unsigned)} after its signed head: written without the master key or not by ARI"
    if head.unsigned:
        return (
            f"{_events(head.unsigned)}, starting with {head.unsigned_event_id}: written without the master key or not "
            "by ARI"
        )
    return None


def _witness_fault(
    mark: Mark | None, seen: Head | None, head: Head | None, cut: Cut | None, walk: _Walk, keys: MasterKeys
) -> str | None:
    """A file that another master key signed, or nobody, proves nothing. ``head`` was found to be good."""
    if mark is None or seen is None or mark.trust(present_keys(keys)) != "ours":
        return None
    position, chained = walk.found.get(seen.event_id or "", (0, FIRST))
    if (position, chained) == (seen.position, seen.hash) or walk.has_skipped(seen):
        return None
    if head is not None and head.replaces(seen):
        return None
    if not position and cut is not None and cut.instance == seen.instance and seen.position <= cut.removed:
        return None
    return (
        f"this node committed event {seen.event_id} at position {seen.position} on {to_rfc3339(seen.at_ms)}, which is "
        "missing: the database was replaced by a different or older copy"
    )


def _signature_fault(what: str, mark: Mark, keys: MasterKeys) -> str | None:
    trust = mark.trust(present_keys(keys))
    if trust == "ours":
        return None
    if trust == "wrong":
        return f"the signature of its {what} is wrong"
    return f"its {what} is signed with key {mark.signature.fingerprint}, whose master key isn't in {keys.place}"


def _events(count: int) -> str:
    return "1 event isn't signed" if count == 1 else f"{count:,} events aren't signed"
