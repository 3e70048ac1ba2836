"""From where keys were used and by what: counted with the rows, bounded, erased like them; rollups read back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from ari.base.clock import DAY_MS
from ari.instance import Instance
from ari.usage.floods import MAX_CLIENTS_PER_DAY
from ari.usage.model import OTHERS, KeyClient
from ari.usage.ports import Batch
from tests.support.instances import START_MS, opened
from tests.support.usage import KEY, OTHER_KEY, make_row, read_sums, rows_of


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def test_first_last_and_counts_by_address_and_by_user_agent(instance: Instance) -> None:
    """Accepted and refused apart, last seen first, each key on its own, whatever order the rows come in."""
    store = instance.database.usage
    home, away = "192.0.2.7", "2001:db8::7"
    store.commit(Batch([make_row(START_MS + 5, client_address=home), make_row(START_MS + 9, client_address=away)]))
    store.commit(Batch([make_row(START_MS + 2, client_address=home, code="revoked", user_agent="evil/1")]))
    store.commit(Batch([make_row(START_MS + 3, key_id=OTHER_KEY, client_address=away)]))
    assert store.addresses(KEY, 9) == [
        KeyClient(away, 1, 0, START_MS + 9, START_MS + 9),
        KeyClient(home, 1, 1, START_MS + 2, START_MS + 5),
    ]
    assert store.agents(KEY, 9) == [
        KeyClient("curl/7.88.1", 2, 0, START_MS + 5, START_MS + 9),
        KeyClient("evil/1", 0, 1, START_MS + 2, START_MS + 2),
    ]
    assert store.addresses(KEY, 1) == store.addresses(KEY, 9)[:1]
    assert [seen.value for seen in store.addresses(OTHER_KEY, 9)] == [away]
    assert store.agents("key_unknown", 9) == []


def test_committing_again_counts_nothing_twice(instance: Instance) -> None:
    """Also of a counted row, whose count is the whole number so far; what is not known is among the others."""
    store = instance.database.usage
    counted = make_row(code="revoked", client_address=None, user_agent=None, count=5)
    rows = [make_row(), counted]
    for batch in (Batch(rows), Batch(rows), Batch([replace(counted, count=8)])):
        store.commit(batch)
    assert [(seen.value, seen.accepted_count, seen.refused_count) for seen in store.addresses(KEY, 9)] == [
        ("192.0.2.7", 1, 0),
        (OTHERS, 0, 8),
    ]
    assert read_sums(instance.database) == {KEY: (1, 8)}


def test_one_key_cannot_fill_the_table(instance: Instance) -> None:
    """So many addresses and agents a day, the rest in one counter; those known stay known; a day begins again."""
    store = instance.database.usage
    flood = [
        make_row(client_address=f"10.0.{n >> 8}.{n & 255}", user_agent=f"bot/{n}")
        for n in range(MAX_CLIENTS_PER_DAY + 50)
    ]
    known = make_row(client_address="10.0.0.0", user_agent="bot/0")
    for rows in ([known], flood, [make_row(client_address="10.0.0.0", user_agent="bot/0")]):
        store.commit(Batch(rows))
    for seen in (store.addresses(KEY, 999), store.agents(KEY, 999)):
        counts = {one.value: one.accepted_count for one in seen}
        assert len(counts) == MAX_CLIENTS_PER_DAY + 1
        assert counts[OTHERS] == 50
        assert sum(counts.values()) == len(flood) + 2
    store.commit(Batch([make_row(key_id=OTHER_KEY, client_address="10.9.9.9")]))
    assert [one.value for one in store.addresses(OTHER_KEY, 9)] == ["10.9.9.9"]
    store.commit(Batch([make_row(START_MS + DAY_MS, client_address="10.9.9.9")]))
    assert store.addresses(KEY, 1)[0].value == "10.9.9.9"


def test_a_value_that_the_database_refuses_is_counted_as_it_was_cleaned(instance: Instance) -> None:
    """Rows and clients agree on it."""
    store = instance.database.usage
    store.commit(Batch([make_row(), make_row(path="a\ud800", user_agent="a\ud800")]))
    assert {(seen.value, seen.accepted_count) for seen in store.agents(KEY, 9)} == {("curl/7.88.1", 1), ("a\ufffd", 1)}
    assert {row.path for row in rows_of(instance.database)} == {"/api/me", "a\ufffd"}
    assert read_sums(instance.database) == {KEY: (2, 0)}


def test_erasing_an_address_moves_its_counts_to_the_others(instance: Instance) -> None:
    """Of every key; the number of requests stays."""
    store = instance.database.usage
    store.commit(Batch([make_row(START_MS + n, key_id=(KEY, OTHER_KEY)[n % 2]) for n in range(6)]))
    store.commit(Batch([make_row(START_MS + 9, client_address=None)]))
    assert store.erase_address("192.0.2.7") == 6
    assert store.addresses(KEY, 9) == [KeyClient(OTHERS, 4, 0, START_MS, START_MS + 9)]
    assert store.addresses(OTHER_KEY, 9) == [KeyClient(OTHERS, 3, 0, START_MS + 1, START_MS + 5)]
    assert read_sums(instance.database) == {KEY: (4, 0), OTHER_KEY: (3, 0)}
