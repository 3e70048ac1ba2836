"""The facts of the server behind a connection."""

import sqlite3
from contextlib import closing

from ari.instance import Instance
from ari.storage.engine import KEYS_FILE
from ari.storage.failover.facts import NO_TABLES, ServerFacts, find_lost, find_lost_in_sqlite, read_sqlite
from ari.storage.failover.record import SeenEvent
from tests.support.audit_log import create


def test_the_facts_of_a_keys_file(instance: Instance) -> None:
    """Its history, its newest event, and the hash of the requested event."""
    for name in ("a", "b"):
        create(instance, name)
    with closing(sqlite3.connect(instance.settings.data_dir / KEYS_FILE)) as connection:
        second = read_sqlite(connection, 0).head
        first = read_sqlite(connection, 1)
        assert second is not None
        assert (second.seq, second.name) == (2, "key_created")
        assert read_sqlite(connection, 2).hash_asked_for == second.hash
        assert read_sqlite(connection, 3).hash_asked_for is None
        assert first.oldest_seq == 1
        assert len(first.histories) == 1
        seen = [SeenEvent(1, "evt_1", first.hash_asked_for or ""), second, SeenEvent(3, "evt_3", "x")]
        assert find_lost_in_sqlite(connection, seen) == seen[2:]
        assert find_lost_in_sqlite(connection, [SeenEvent(2, second.id, "another hash")]) != []


def test_a_file_without_our_tables_has_lost_everything() -> None:
    """It is no error of the file, but another database."""
    seen = [SeenEvent(1, "evt_1", "x")]
    with closing(sqlite3.connect(":memory:")) as connection:
        assert read_sqlite(connection, 1) == NO_TABLES
        assert find_lost_in_sqlite(connection, seen) == seen


def test_a_row_of_a_server_without_events() -> None:
    """Empty histories are none, and a head of nothing is no head."""
    row = (False, "system", 2, "his_1,his_2", None, None, *[None] * 6)
    assert ServerFacts.of(row) == ServerFacts(False, "system", 2, ("his_1", "his_2"), None, None, None)
    assert ServerFacts.of((1, None, None, None, None, None, *[None] * 6)).histories == ()


def test_what_is_lost_is_compared_by_hash() -> None:
    """The same number may be another event after a failover."""
    seen = [SeenEvent(seq, f"evt_{seq}", f"hash {seq}") for seq in (1, 2, 3)]
    assert find_lost({1: "hash 1", 2: "another"}, seen) == seen[1:]
