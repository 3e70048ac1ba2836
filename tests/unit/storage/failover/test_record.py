"""The node's record of its database, on disk."""

from pathlib import Path

import pytest

from ari.base.errors import Unavailable
from ari.storage.failover.record import Record, RecordFile, SeenEvent

EVENTS = tuple(SeenEvent(seq, f"evt_{seq}", f"hash {seq}", seq, "key_revoked", None) for seq in (1, 2))
RECORD = Record("his_1", EVENTS[1], "system", 3, EVENTS)


def test_a_restarted_node_remembers(data_dir: Path) -> None:
    """Every field; processes of one node see what another one saved, and each kind of database has its own file."""
    reader, writer = RecordFile(data_dir, "sqlite"), RecordFile(data_dir, "sqlite")
    assert reader.load() is None
    for record in (Record("his_1", EVENTS[0]), RECORD):
        with writer.lock():
            writer.save(record)
        assert reader.load() == record
    assert RecordFile(data_dir, "postgresql").load() is None
    writer.remove()
    writer.remove()
    assert reader.load() is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"history": 1}'])
def test_an_unreadable_record_is_an_error(data_dir: Path, content: bytes) -> None:
    """The past is unknown then, so nothing may be trusted."""
    (data_dir / "seen-sqlite.json").write_bytes(content)
    with pytest.raises(Unavailable, match="Can't read what this node has seen"):
        RecordFile(data_dir, "sqlite").load()


def test_the_newest_event_is_listed_once() -> None:
    """A list from before that does not hold it is followed by it."""
    assert RECORD.events == EVENTS
    assert Record("his_1", EVENTS[1], recent=EVENTS[:1]).events == EVENTS
    assert Record("his_1", EVENTS[1]).events == EVENTS[1:]
