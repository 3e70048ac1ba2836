"""Which copies of the audit log a restored instance may continue: those that it began or took over (decision 93).

A trial restore has the events and often the settings of the original, so a copy that ends with a known event may still
belong to the original. The place of each copy is recorded with the lineage that writes it, also in backups.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ari.backups.backup_lineage import read_lineage, read_restore_event
from ari.base.audit_feed import FeedTransaction
from ari.base.errors import Conflict
from ari.base.transaction import CommandTransaction, KeyValueStore, record

KEY = "audit_places"
ANY = "any"


class HistoryTransaction(FeedTransaction, Protocol):
    """A transaction over the audit log and the places of its copies."""

    @property
    def key_value(self) -> KeyValueStore: ...


def name_file(path: Path) -> str:
    """The place of a copy in a file, whatever the settings call it."""
    return f"file:{path.parent.resolve() / path.name}"


def name_collector(url: str) -> str:
    """The place of a copy at a syslog collector."""
    return f"syslog:{url}"


def may_write(tx: HistoryTransaction, place: str, last_id: str | None) -> bool:
    """Whether a copy in this place is the instance's own. ``last_id`` is the last event in it, if it has any."""
    lineage = read_lineage(tx)
    if not lineage:
        return True
    writer = _read_places(tx).get(place)
    return writer == lineage or (writer is None and (last_id is None or _is_since_restore(tx, last_id)))


def has_event(tx: HistoryTransaction, event_id: str) -> bool:
    """Whether the audit log has the event, or it is the last one that retention removed."""
    return tx.audit_feed.find_position(event_id) is not None


def is_claimed(tx: HistoryTransaction, place: str) -> bool:
    """Whether the place is recorded as this instance's."""
    return _read_places(tx).get(place) == read_lineage(tx)


def claim(tx: HistoryTransaction, place: str) -> None:
    """Record that this instance writes a copy there, so that a restore of its backups doesn't."""
    places = _read_places(tx) | {place: read_lineage(tx)}
    tx.key_value.put(KEY, json.dumps(places))


class _TakeOver(HistoryTransaction, CommandTransaction, Protocol):
    """A command over the places of copies."""


def take_over(tx: _TakeOver, places: Sequence[str]) -> None:
    """Continue the copies of the instance that this one was restored from. Recorded as an event."""
    for place in places:
        claim(tx, place)
    record(tx, "audit_copies_taken_over", None, {"places": list(places)})


def require_own_cursor(tx: HistoryTransaction, after_id: str | None, history: str | None) -> None:
    """Raise ``Conflict("cursor_gone")`` if a copy that ends with this event may be another instance's.

    ``history`` is the lineage that its collector expects: ``None`` if it named none, ``any`` if it has all since the
    oldest event from here.
    """
    lineage = read_lineage(tx)
    if history not in (None, ANY, lineage):
        now = f"is now {lineage}" if lineage else "never began with a restore"
        raise Conflict("cursor_gone", f"The history of this audit log {now}, not {history}. Begin a new copy.")
    if not lineage or after_id is None:
        return
    if not has_event(tx, after_id):
        raise Conflict(
            "cursor_gone",
            "This audit log doesn't have the event with this ID: the instance was restored from an earlier backup "
            f"({lineage}), or retention removed the event. Nothing was copied. Begin a new copy, and keep the old one.",
        )
    if history is None and not _is_since_restore(tx, after_id):
        raise Conflict(
            "cursor_gone",
            f"This instance was restored ({lineage}) after the event with this ID, so the copy may be another "
            f"instance's. Nothing was copied. Begin a new copy, or continue this one with the history {lineage} "
            "(--history of ari audit export).",
        )


def _is_since_restore(tx: HistoryTransaction, event_id: str) -> bool:
    """Whether only this instance and restores of its own backups have the event. False if it is unknown."""
    restore_id, position = read_restore_event(tx), tx.audit_feed.find_position(event_id)
    if not restore_id or position is None:
        return False
    restored_at = tx.audit_feed.find_position(restore_id)
    return restored_at is None or position >= restored_at  # None: retention removed all up to the restore, at least


def _read_places(tx: HistoryTransaction) -> dict[str, str]:
    try:
        found = json.loads(tx.key_value.get(KEY) or "{}")
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}
