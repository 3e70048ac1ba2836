"""Promise 2, the short form of ``make kill``: what a client saw is in the log, whichever process is killed."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from ari.storage.tables import usage_log
from tests.proof.durability import KILLS, database_on, prove
from tests.proof.ledger import ACCEPT, Connection, Ledger, Sent, faults
from tests.support.instances import opened
from tests.support.usage import KEY, make_row

pytestmark = pytest.mark.slow


def test_every_response_seen_is_in_the_log(make_owner: Callable[..., Any], database: Any) -> None:
    """A worker, the fold process, the whole server, the parent alone, under load: the log has each once, sums agree."""
    owner = make_owner(database_url=database.url, workers=2)
    found = database_on(owner.server.data_dir, database.url)
    ledger = asyncio.run(prove(owner, found, KILLS, seed=1))
    found.close()
    assert sum(ledger.killed.values()) == len(KILLS)
    assert len(ledger.list_seen()) >= 3 * 20


@pytest.fixture
def planted_ledger(data_dir: Path) -> Iterator[tuple[Ledger, Any]]:
    """Three requests whose responses clients saw, each on the log of a fresh instance: two read, one wrote."""
    ledger = Ledger()
    view = Connection(ledger)
    with opened(data_dir, None) as instance:
        from ari.usage.ports import Batch

        batch = Batch()
        for name, safe in (("one", True), ("two", False), ("three", True)):
            view.record_status(view.send(Sent(name, ACCEPT, KEY, safe)), 200)
            batch.rows.append(make_row(request_id=name, method="GET" if safe else "POST"))
        instance.database.usage.commit(batch)
        instance.database.usage.fold_all()
        yield ledger, instance.database


def test_the_ledger_passes_what_is_right(planted_ledger: Any) -> None:
    """Each response is in the log once, with its status."""
    assert faults(*planted_ledger) == []


def test_the_ledger_finds_a_status_that_was_lost(planted_ledger: Any) -> None:
    """An empty status is right only for what was under way when the process died, not before a later response."""
    ledger, database = planted_ledger
    with database.log.begin() as connection:
        connection.execute(update(usage_log).where(usage_log.c.request_id == "two").values(status=None))
    assert faults(ledger, database) == ["two was answered 200; the log says None ok"]
    ledger.sent[1].settled = False
    assert faults(ledger, database) == []
    ledger.sent[0].settled = False
    with database.log.begin() as connection:
        connection.execute(update(usage_log).where(usage_log.c.request_id == "one").values(status=None))
    assert faults(ledger, database) == ["one was answered 200; the log says None ok"]


def test_the_ledger_finds_what_is_missing_or_double(planted_ledger: Any) -> None:
    """A row too few or too many is found, by the sums already if the rollups do not know of it."""
    ledger, database = planted_ledger
    with database.log.begin() as connection:
        connection.execute(delete(usage_log).where(usage_log.c.request_id == "one"))
    with pytest.raises(AssertionError):
        faults(ledger, database)
    with database.log.begin() as connection:
        row = connection.execute(select(usage_log).where(usage_log.c.request_id == "two")).mappings().one()
        connection.execute(insert(usage_log).values({**row, "id_low": row["id_low"] + 1}))
    assert faults(ledger, database) == ["two is in the log 2 times", "one was answered 200 and is not in the log"]
