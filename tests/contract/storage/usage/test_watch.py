"""The watch over recorded traffic: each planted case is reported once, and usual traffic never."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ari import keys
from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.base.events import Event
from ari.base.settings import load_settings
from ari.deps import Deps
from ari.jobs.watch import scan_once
from ari.usage.model import Attempt
from ari.usage.ports import Batch
from ari.usage.watch import scan
from ari.usage.watch.model import Limits
from tests.support.commands import clock_of
from tests.support.instances import opened
from tests.support.past import Past
from tests.support.watched import World


@pytest.fixture
def world(data_dir: Path, database_url: str | None) -> Iterator[World]:
    with opened(data_dir, database_url) as instance:
        yield World(instance)


@pytest.fixture
def one_world(data_dir: Path) -> Iterator[World]:
    """On SQLite alone, for what the database has no part in."""
    with opened(data_dir, None) as instance:
        yield World(instance)


def only(events: list[Event], name: str) -> Event:
    """The one event, which ARI itself wrote."""
    assert [event.name for event in events] == [name]
    assert (events[0].actor, events[0].origin.door) == ("system", "system")
    return events[0]


def test_usual_traffic_is_not_reported(one_world: World) -> None:
    """Keys in use from where they always were, a few refusals, a few attempts: nothing."""
    key = one_world.key("steady")
    one_world.use(key, 5, days_ago=20)
    one_world.use(key, 5, code="insufficient_scope")
    one_world.instance.database.usage.commit(
        Batch(attempts=[Attempt(one_world.instance.now_ms(), "unknown", "192.0.2.9", 9)])
    )
    for _ in range(3):
        one_world.use(key, 5)
        assert one_world.watch() == []


def test_a_key_in_use_about_to_expire(world: World) -> None:
    """Seven days before and on the last working day, each once; unused, disabled and revoked keys are not reported."""
    used, unused, revoked = (world.key(name, 60, 68) for name in ("used", "unused", "revoked"))
    for key in (used, revoked):
        world.use(key, days_ago=1)
    world.revoke(revoked)
    world.key("short", 0, 3)
    event = only(world.watch(days=1, minutes=1), "key_expiring")
    assert event.subject == used.id
    assert event.detail == {
        "days": 7,
        "expires_at": event.detail["expires_at"],
        "name": "used",
        "hint": used.hint,
    }
    assert unused.id not in str(event.detail)
    assert world.watch() == []
    told = []
    for _ in range(14):
        world.use(used)
        told += [event.detail["days"] for event in world.watch(hours=11)]
    assert told == [1]


def test_a_key_that_expired_while_in_use(world: World) -> None:
    """Reported at the first call after its end, with its origin, once; if it goes on, after a week, then two."""
    key = world.key("nightly", 60, 60.5)
    world.use(key, 3, days_ago=1)
    world.pass_time(hours=13)
    world.use(key, 2, code="expired", address="198.51.100.{n}")
    event = only(world.watch(), "key_expired_in_use")
    assert event.subject == key.id
    assert {**event.detail, "since": "", "expires_at": "", "last_used_at": ""} == {
        "code": "expired",
        "count": 2,
        "addresses": ["198.51.100.1", "198.51.100.0"],
        "since": "",
        "expires_at": "",
        "last_used_at": "",
        "name": "nightly",
        "hint": key.hint,
    }
    for _ in range(3):
        world.use(key, code="expired")
        assert world.watch(hours=2) == []
    world.pass_time(days=8)
    world.use(key, code="expired")
    assert only(world.watch(), "dead_key_called").detail["count"] == 6
    world.pass_time(days=8)
    world.use(key, code="expired")
    assert world.watch() == []
    world.pass_time(days=8)
    world.use(key, code="expired")
    assert only(world.watch(), "dead_key_called").detail["count"] == 8


def test_a_revoked_key_that_is_still_called(world: World) -> None:
    """Not in the first hour, when its owner tries it; then with from where and how often, and not again at once."""
    key = world.key("leaked")
    world.use(key, days_ago=30)
    world.revoke(key)
    world.use(key, code="revoked")
    assert world.watch(minutes=30) == []
    world.pass_time(hours=1)
    world.use(key, 3, code="revoked", address="203.0.113.9")
    event = only(world.watch(), "dead_key_called")
    assert (event.subject, event.detail["code"], event.detail["count"]) == (key.id, "revoked", 4)
    assert event.detail["addresses"] == ["203.0.113.9", "192.0.2.7"]
    world.use(key, code="revoked")
    assert world.watch() == []


def test_a_deleted_key_that_is_still_called_has_its_name(one_world: World) -> None:
    """Its tombstone is still recognised."""
    key = one_world.key("gone")
    one_world.revoke(key)
    Deps(one_world.instance).do_sync(keys.delete, key.id)
    one_world.pass_time(hours=2)
    one_world.use(key, code="revoked")
    assert only(one_world.watch(), "dead_key_called").detail["name"] == "gone"


def test_a_key_used_from_a_new_network(world: World) -> None:
    """Reported once; not for another address of a known network, nor in a key's first day, nor for refused calls."""
    key, fresh = world.key("deploy"), world.key("fresh", 0)
    world.use(key, days_ago=2)
    world.use(fresh)
    world.use(fresh, address="198.51.100.3")
    world.use(key, address="192.0.2.200")
    world.use(key, address="198.51.100.77", code="insufficient_scope")
    assert world.watch() == []
    world.use(key, address="203.0.113.5")
    event = only(world.watch(), "key_new_address")
    assert (event.subject, event.detail["address"], event.detail["name"]) == (key.id, "203.0.113.5", "deploy")
    world.use(key, address="203.0.113.6")
    assert world.watch() == []
    world.use(key, address="198.51.100.77")
    assert only(world.watch(hours=5), "key_new_address").detail["address"] == "198.51.100.77"
    world.use(key, address="203.0.113.5")
    assert world.watch(days=3) == []


def test_a_key_that_wanders_is_let_be(one_world: World) -> None:
    """Once it is known from many networks, one more is no news."""
    key = one_world.key("telephone")
    one_world.use(key, 10, days_ago=2, address="10.0.{n}.1")
    one_world.use(key, address="203.0.113.5")
    assert one_world.watch() == []


@pytest.mark.parametrize("detail", ["network", "none"])
def test_addresses_are_reported_as_the_log_keeps_them(data_dir: Path, detail: str) -> None:
    """ARI_USAGE_ADDRESSES: networks are compared as networks; a log without addresses reports none."""
    with opened(data_dir, None, usage_addresses=detail) as instance:
        world = World(instance)
        key = world.key("deploy")
        kept = {"network": "192.0.2.0/24", "none": None}[detail]
        world.use(key, days_ago=2)
        world.use(key, address=kept) if kept else None
        assert world.watch() == []
        if kept:
            world.use(key, address="203.0.113.0/24")
            assert only(world.watch(), "key_new_address").detail["address"] == "203.0.113.0/24"


def test_a_burst_of_refusals_of_one_key(world: World) -> None:
    """A hundred in ten minutes; below that, or spread out, nothing."""
    key, quiet = world.key("scraper"), world.key("quiet")
    world.use(quiet, 60, code="insufficient_scope", days_ago=0.5)
    world.use(quiet, 60, code="insufficient_scope")
    world.use(key, 99, code="insufficient_scope")
    assert world.watch() == []
    world.use(key, 5, code="rate_limited", address="203.0.113.8")
    event = only(world.watch(), "refused_burst")
    assert event.subject == key.id
    assert event.detail == {
        "count": 104,
        "minutes": 10,
        "addresses": ["203.0.113.8", "192.0.2.7"],
        "codes": ["insufficient_scope", "rate_limited"],
        "name": "scraper",
        "hint": key.hint,
    }
    world.use(key, 200, code="insufficient_scope")
    assert world.watch() == []


def test_a_burst_of_attempts_from_an_address(world: World) -> None:
    """All loud addresses in one event, at most once an hour; probes without a key are no attempts."""
    now_ms = world.instance.now_ms()
    usage = world.instance.database.usage
    usage.commit(Batch(attempts=[Attempt(now_ms, "missing", "192.0.2.1", 5_000)]))
    assert world.watch() == []
    usage.commit(
        Batch(
            attempts=[
                Attempt(now_ms, "unknown", "192.0.2.1", 90),
                Attempt(now_ms, "malformed", "192.0.2.1", 60),
                Attempt(now_ms, "unknown", "2001:db8:1:2::/64", 300),
                Attempt(now_ms, "unknown", "192.0.2.3", 40),
            ]
        )
    )
    event = only(world.watch(), "refused_burst")
    assert event.subject is None
    assert event.detail == {
        "count": 450,
        "minutes": 10,
        "addresses": ["2001:db8:1:2::/64", "192.0.2.1"],
        "codes": ["malformed", "unknown"],
    }
    usage.commit(Batch(attempts=[Attempt(now_ms + MINUTE_MS, "unknown", "192.0.2.4", 900)]))
    assert world.watch() == []


def test_unused_keys_once_a_month(world: World) -> None:
    """One event for all, when a month begins, and only if one more went idle; the longest idle is named first."""
    for name, days in (("idle", 29), ("never", 29), ("old", 200)):
        world.key(name, days)
    used = world.key("used", 200)
    told: list[Event] = []
    for _ in range(20):
        world.use(used)
        told += [event for event in world.watch(days=5) if event.name == "keys_unused"]
    assert [(event.detail["days"], event.detail["count"]) for event in told] == [(30, 3), (90, 3)]
    assert [key["name"] for key in told[0].detail["keys"]] == ["old", "idle", "never"]
    assert told[0].detail["keys"][0]["last_used_at"] is None


def test_a_watch_that_begins_on_an_old_instance_reports_nothing(data_dir: Path) -> None:
    """Old facts are not news: dead keys called for long, keys about to expire, addresses of before."""
    with opened(data_dir, None) as instance:
        past = Past(instance.database, instance.now_ms())
        for number in range(20):
            key = past.key(f"late-{number}", 60, 30)
            past.requests(key, 40)
            past.requests(key, 3, code="expired")
        soon = past.key("soon", 60, 65)
        past.requests(soon, 3)
        past.requests(soon, 0.01, address="203.0.113.5")
        scan_once(instance)
        for key_id in Deps(instance).read_sync(lambda unit: [key.id for key in unit.keys.page(0, "all", None, 50)]):
            late = Deps(instance).read_sync(keys.get_even_deleted, key_id)
            if late.name.startswith("late"):
                past.requests(late, 0, code="expired")
        clock_of(instance).advance(70)
        assert scan_once(instance) == []


def test_what_two_processes_find_one_reports(one_world: World) -> None:
    """The mark moves in the transaction of the events; who comes second writes nothing."""
    key = one_world.key("leaked")
    one_world.revoke(key)
    one_world.pass_time(hours=2)
    one_world.use(key, code="revoked")
    instance, now_ms = one_world.instance, one_world.instance.now_ms()
    use = instance.database.watched
    use.fold()
    turns = [Deps(instance).read_sync(lambda unit: scan.begin(unit, now_ms)) for _ in range(2)]
    outcomes = []
    for turn in turns:
        assert turn is not None
        found = Deps(instance).read_sync(scan.find, use, turn, Limits())
        outcomes.append((len(found), Deps(instance).do_sync(scan.record, turn, found)))
    assert outcomes == [(1, True), (0, False)]
    assert Deps(instance).read_sync(lambda unit: scan.begin(unit, now_ms + 30_000)) is None


def test_two_that_found_the_same_at_once(world: World) -> None:
    """Both have read before either has written."""
    key = world.key("leaked")
    world.revoke(key)
    world.pass_time(hours=2)
    world.use(key, code="revoked")
    instance, now_ms = world.instance, world.instance.now_ms()
    use = instance.database.watched
    use.fold()
    turn = Deps(instance).read_sync(lambda unit: scan.begin(unit, now_ms))
    assert turn is not None
    found = [Deps(instance).read_sync(lambda unit: scan.find(unit, use, turn, Limits())) for _ in range(2)]
    assert [len(one) for one in found] == [1, 1]
    told = [Deps(instance).do_sync(scan.record, turn, f) for f in found]
    assert told == [True, False]
    assert [event.name for event in world.events()] == ["dead_key_called"]


def test_a_clock_set_back_does_not_stop_the_watch(one_world: World) -> None:
    """The mark follows the clock."""
    clock_of(one_world.instance).step(-DAY_MS / 1000)
    key = one_world.key("leaked")
    one_world.revoke(key)
    one_world.watch()
    one_world.pass_time(hours=2)
    one_world.use(key, code="revoked")
    assert only(one_world.watch(), "dead_key_called").subject == key.id


def test_the_settings_are_the_limits() -> None:
    """Every threshold is a setting of its name, and days without use may be given as a list."""
    limits = Limits.of(load_settings(watch_burst_count=7, watch_unused_days="90, 30"))
    assert (limits.burst_count, limits.unused_days) == (7, (30, 90))
    assert Limits.of(load_settings()) == Limits()
    assert HOUR_MS * 24 * limits.repeat_days == 7 * DAY_MS
