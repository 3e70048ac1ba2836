"""The notes about keys that a restore disabled: each key is taken once, and one whose state was decided never."""

import pytest

from ari.keys.restored_keys import (
    KEYS_PER_NOTE,
    forget_restored_key,
    is_waiting,
    parse_restored,
    read_restored,
    remember_restored,
    take_next,
)
from tests.unit.keys.memory import MemoryNotes


def _take_all(notes: MemoryNotes) -> list[str]:
    taken = list[str]()
    while read_restored(notes) is not None:
        part = take_next(notes)
        assert len(part) <= 2 * KEYS_PER_NOTE
        taken += part
    return taken


@pytest.mark.parametrize("count", [0, 1, KEYS_PER_NOTE, 2 * KEYS_PER_NOTE + 1])
def test_every_key_is_taken_once(count: int) -> None:
    """However many there are; nothing of the list is left then."""
    notes, key_ids = MemoryNotes(), [f"key_{number}" for number in range(count)]
    remember_restored(notes, key_ids, "2027-01-15T03:00:00.000Z")
    restored = read_restored(notes)
    assert (0 if restored is None else restored.count) == count
    assert sorted(_take_all(notes)) == sorted(key_ids)
    assert notes == {}


def test_a_forgotten_key_is_not_taken() -> None:
    """Also after some notes were taken; nothing is left when all are forgotten."""
    notes, key_ids = MemoryNotes(), [f"key_{number}" for number in range(3 * KEYS_PER_NOTE)]
    remember_restored(notes, key_ids, "2027-01-15T03:00:00.000Z")
    taken = take_next(notes)
    assert not forget_restored_key(notes, taken[0])
    first, *others = sorted(set(key_ids) - set(taken))
    assert is_waiting(notes, first)
    assert not is_waiting(notes, taken[0])
    assert forget_restored_key(notes, first)
    assert not is_waiting(notes, first)
    assert not forget_restored_key(notes, first)
    restored = read_restored(notes)
    assert restored is not None
    assert restored.count == len(others)
    assert sorted(_take_all(notes)) == others
    remember_restored(notes, key_ids, "2027-01-15T03:00:00.000Z")
    assert all(forget_restored_key(notes, key_id) for key_id in key_ids)
    assert notes == {}


@pytest.mark.parametrize(
    "value",
    [
        "forged",
        "[1]",
        "{}",
        "[" * 100_000,
        '{"written_at": "x", "count": 1, "notes": 1, "left": "1"}',
        '{"written_at": "x", "count": 1, "notes": 1, "left": true}',
        '{"written_at": 5, "count": 1, "notes": 1, "left": 1}',
        '{"written_at": "x", "count": 1, "notes": 1, "left": 2}',
        '{"written_at": "x", "count": -1, "notes": 1, "left": 1}',
    ],
)
def test_a_note_that_ari_did_not_write_is_no_list(value: str) -> None:
    """It neither fails a command nor keeps one busy."""
    assert parse_restored(value) is None
