"""The keys that a restore disabled and nobody has enabled, disabled, reported or revoked since, as notes.

They are enabled together once they were reviewed. A restore of 100,000 keys is many notes, each with about as many
keys as one transaction enables. A hash of its ID selects the note of a key, so a key is removed at once.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from ari.base.transaction import KeyValueStore

KEYS_PER_NOTE = 200
"""On average."""
PREFIX = "restored_keys"
"""Of the names of all notes of this module."""
_HEAD = PREFIX
_LOCK = f"{PREFIX}_lock"


@dataclass(frozen=True, slots=True)
class RestoredKeys:
    """When the backup was written, as it says, and how many keys are left in the first ``left`` of ``notes`` notes."""

    written_at: str
    count: int
    notes: int
    left: int


def remember_restored(store: KeyValueStore, key_ids: Sequence[str], written_at: str) -> None:
    """Write the list into a store without one: a restore leaves out the notes of its backup."""
    parts: dict[int, list[str]] = {}
    notes = -(-len(key_ids) // KEYS_PER_NOTE)
    for key_id in key_ids:
        parts.setdefault(_choose_note(key_id, notes), []).append(key_id)
    for number, part in parts.items():
        store.put(_name_note(number), " ".join(part))
    if parts:
        _save(store, RestoredKeys(written_at, len(key_ids), notes, notes))


def read_restored(store: KeyValueStore) -> RestoredKeys | None:
    """``None`` if the last restore disabled no keys, or none is left."""
    return parse_restored(store.get(_HEAD))


def parse_restored(value: str | None) -> RestoredKeys | None:
    """The value of the first note; ``None`` for one that ARI didn't write."""
    try:
        fields = json.loads(value or "null")
        restored = RestoredKeys(**fields)
    except (TypeError, ValueError, RecursionError):
        return None
    types = [type(fields[name]) for name in ("written_at", "count", "notes", "left")]
    is_whole = types == [str, int, int, int] and 0 < restored.left <= restored.notes
    return restored if is_whole and restored.count > 0 else None


def list_next(store: KeyValueStore) -> list[str]:
    """The keys that ``take_next`` takes next, sorted, to lock them before it: all commands lock keys first."""
    restored = read_restored(store)
    return [] if restored is None else sorted((store.get(_name_note(restored.left - 1)) or "").split())


def take_next(store: KeyValueStore) -> list[str]:
    """The keys of the last note, which is removed; it may have none."""
    restored = _lock(store)
    if restored is None:
        return []
    name = _name_note(restored.left - 1)
    key_ids = sorted((store.get(name) or "").split())
    store.put(name, None)
    _save(store, replace(restored, left=restored.left - 1, count=restored.count - len(key_ids)))
    return key_ids


def is_waiting(store: KeyValueStore, key_id: str) -> bool:
    """Whether this key is on the list."""
    restored = read_restored(store)
    return (
        restored is not None and key_id in (store.get(_name_note(_choose_note(key_id, restored.notes))) or "").split()
    )


def forget_restored_key(store: KeyValueStore, key_id: str) -> bool:
    """Remove a key from the list, because its state was decided; returns whether it was there.

    Call it before the first event of a transaction, whose lock comes after the one here.
    """
    restored = _lock(store)
    if restored is None:
        return False
    name = _name_note(_choose_note(key_id, restored.notes))
    key_ids = (store.get(name) or "").split()
    if key_id not in key_ids:
        return False
    key_ids.remove(key_id)
    store.put(name, " ".join(key_ids) or None)
    _save(store, replace(restored, count=restored.count - 1))
    return True


def _lock(store: KeyValueStore) -> RestoredKeys | None:
    """The list, which only this transaction changes until it ends; ``None`` without one."""
    if read_restored(store) is None:
        return None
    store.put(_LOCK, "")  # its row is locked on PostgreSQL, so the next read sees what others wrote
    restored = read_restored(store)
    if restored is None:
        store.put(_LOCK, None)
    return restored


def _save(store: KeyValueStore, restored: RestoredKeys) -> None:
    is_left = restored.left > 0 and restored.count > 0
    store.put(_HEAD, json.dumps(asdict(restored)) if is_left else None)
    if not is_left:
        store.put(_LOCK, None)


def _choose_note(key_id: str, notes: int) -> int:
    return zlib.crc32(key_id.encode()) % notes


def _name_note(number: int) -> str:
    return f"{_HEAD}_{number}"
