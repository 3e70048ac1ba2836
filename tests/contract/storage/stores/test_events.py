"""Events that strangers cause without end are counted after a few: nothing is lost but their details."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ari import keys
from ari.accounts import setup, sign_in
from ari.accounts.password import Verdict
from ari.base.caller import Caller
from ari.base.clock import DAY_MS, HOUR_MS
from ari.base.events import BOUNDED_EVENTS, Event, Origin
from ari.base.ids import new_id
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs import ClockWatch, tick
from ari.storage.checkup import check_audit_log
from tests.support.commands import clock_of, create_key, revoke_key
from tests.support.instances import opened

HOUR, NAME = HOUR_MS / 1000, "sign_in_refused"


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def happen(instance: Instance, times: int = 1, subject: str | None = None, name: str = NAME) -> None:
    """So often."""
    for _ in range(times):
        now_ms = instance.now_ms()
        event = Event(new_id("evt", now_ms), now_ms, name, "visitor", subject, Origin("web"))
        with instance.database.writing() as tx:
            tx.events.append_bounded(event)


def list_counts(instance: Instance, subject: str | None = None) -> list[int]:
    """The number that each event counts, oldest first."""
    events = Deps(instance).read_sync(lambda unit: unit.events.page(None, None, 200))
    return [event.detail.get("counted", 1) for event in reversed(events) if event.subject == subject]


def test_after_a_few_they_are_counted(instance: Instance) -> None:
    """Of each name and subject apart; the next hour begins with what was counted, and then a few again."""
    happen(instance, 10)
    happen(instance, 2, "usr_1")
    happen(instance, 2, name="code_refused")
    assert list_counts(instance) == [1] * (BOUNDED_EVENTS + 2)
    assert list_counts(instance, "usr_1") == [1, 1]
    clock_of(instance).advance(HOUR)
    happen(instance, 4, "usr_1")
    happen(instance)
    assert list_counts(instance)[BOUNDED_EVENTS + 2 :] == [10 - BOUNDED_EVENTS, 1]
    assert list_counts(instance, "usr_1") == [1, 1, 1, 1, 1]
    [summary] = [one for one in Deps(instance).read_sync(lambda unit: unit.events.page(None, None, 200)) if one.detail]
    assert (summary.name, summary.actor, summary.origin.door) == (NAME, "system", "system")


async def _one_tick(instance: Instance) -> None:
    await tick(instance, ClockWatch(instance.clock))


def test_what_was_counted_is_written_when_the_hour_is_over(instance: Instance) -> None:
    """Also if nothing follows, once, however many processes look; a clock set back delays it by no more."""
    import asyncio

    happen(instance, 50)
    asyncio.run(_one_tick(instance))
    assert list_counts(instance) == [1] * BOUNDED_EVENTS
    clock_of(instance).advance(HOUR)
    asyncio.run(_one_tick(instance))
    asyncio.run(_one_tick(instance))
    assert list_counts(instance) == [1] * BOUNDED_EVENTS + [50 - BOUNDED_EVENTS]
    happen(instance, 5)
    clock_of(instance).step(-30 * DAY_MS / 1000)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: asyncio.run(_one_tick(instance)), range(4)))
    assert [one for one in list_counts(instance) if one != 1] == [50 - BOUNDED_EVENTS, 5 - BOUNDED_EVENTS]


def test_many_at_once_lose_none(instance: Instance) -> None:
    """Each is written or counted, and the chain stays whole."""
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda _: happen(instance), range(60)))
    clock_of(instance).advance(HOUR)
    Deps(instance).do_sync(lambda unit: unit.events.append_counts(instance.now_ms()))
    assert sum(list_counts(instance)) == 60
    assert len(list_counts(instance)) == BOUNDED_EVENTS + 1
    assert check_audit_log(instance.database).is_whole


def test_a_flood_of_sign_ins_leaves_few_events(instance: Instance) -> None:
    """Refused ones from ever new networks, for ever new accounts: a few an hour, and those on the owner apart."""
    owner = Deps(instance).do_sync(setup.bootstrap_owner, "owner@example.com", "no hash")
    assert owner
    for number in range(60):
        email = "owner@example.com" if number % 2 else f"{number}@example.com"
        visitor = Deps(instance, Caller("visitor", Origin("web", f"2001:{number:x}:1::1"), scopes=()))
        attempt = visitor.do_sync(sign_in.begin, email)
        visitor.do_sync(sign_in.finish, attempt, Verdict(False))
    assert list_counts(instance) == [1] * BOUNDED_EVENTS
    assert list_counts(instance, owner.id) == [1] * (BOUNDED_EVENTS + 1)  # with its making


def test_a_dead_key_in_urls_is_written_once_a_day(instance: Instance) -> None:
    """Anyone who holds it may send it for ever, to any number of processes."""
    key = create_key(instance).key
    revoke_key(instance, key)
    for _ in range(48):
        Deps(instance).do_sync(keys.record_exposure, key)
        clock_of(instance).advance(HOUR)
    names = [event.name for event in Deps(instance).read_sync(lambda unit: unit.events.page(key.id, None, 50))]
    assert names.count("key_exposed") == 3
    assert list_counts(instance, key.id)[-2:] == [23, 1]
