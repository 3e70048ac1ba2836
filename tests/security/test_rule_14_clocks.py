"""security.md 14: a clock set back revives nothing; a step over five minutes is an event."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ari import jobs
from ari.base.errors import Unavailable
from ari.deps import Deps
from ari.jobs import ClockWatch
from ari.storage.checkup import clock_steps
from tests.support.clock import FrozenClock
from tests.support.commands import clock_of
from tests.support.instances import opened

HOUR = 3600


def test_an_expired_key_stays_dead_when_the_clock_steps_back(owner_on: Any) -> None:
    """Seen expired once, it is stamped; the table agrees."""
    key, secret = owner_on.create_key("brief", expires="1h")
    _, admin = owner_on.create_key("admin", scopes=["*"])
    clock = owner_on.server.clock
    clock.advance(HOUR)
    assert owner_on.api(secret).get("/api/me").json()["code"] == "expired"
    clock.advance(-2 * HOUR)
    assert owner_on.api(secret).get("/api/me").json()["code"] == "expired"
    assert owner_on.api(admin).get(f"/api/keys/{key['id']}").json()["status"] == "expired"


def test_the_clock_stamps_keys_that_nobody_calls(data_dir: Path, database_url: str | None) -> None:
    """The job sees expired keys without a request."""
    with opened(data_dir, database_url) as instance:
        from ari import keys
        from ari.keys import NewKey

        clock = instance.clock
        assert isinstance(clock, FrozenClock)
        new = NewKey("n", "1h")
        key = Deps(instance).do_sync(keys.create, new).key
        watch = ClockWatch(clock)
        clock.advance(HOUR)
        asyncio.run(jobs.tick(instance, watch))
        clock.step(-2 * HOUR)
        asyncio.run(jobs.tick(instance, watch))
        assert Deps(instance).read_sync(keys.get, key.id).status(instance.now_ms()) == "expired"
        [event, _] = Deps(instance).read_sync(lambda unit: unit.events.page(None, None, 9))
        assert (event.name, event.detail) == ("clock_stepped", {"step_seconds": -2 * HOUR})


def test_no_door_revives_what_was_seen_expired(owner_on: Any) -> None:
    """Once dead it is dead for verification by others and for changes too, and reported as expired everywhere."""
    key, secret = owner_on.create_key("brief", expires="1h")
    _, admin = owner_on.create_key("admin", scopes=["*"])
    clock, client = owner_on.server.clock, owner_on.api(admin)
    clock.advance(HOUR)
    assert client.post("/api/verify", json={"key": secret}).json()["code"] == "expired"
    clock.advance(-2 * HOUR)
    assert client.post("/api/verify", json={"key": secret}).json()["code"] == "expired"
    assert owner_on.api(secret).get("/api/me").status_code == 401
    assert client.patch(f"/api/keys/{key['id']}", json={"expires_at": None}).status_code == 409
    listed = {one["id"]: one["status"] for one in owner_on.cli.json("keys", "list")["items"]}
    assert listed[key["id"]] == "expired"


def test_doctor_shows_a_step(data_dir: Path, database_url: str | None) -> None:
    """It counts steps of more than five minutes, either way (how it says so: tests/unit/cli/test_doctor.py)."""
    with opened(data_dir, database_url) as instance:
        clock = clock_of(instance)
        watch = ClockWatch(clock)
        asyncio.run(jobs.tick(instance, watch))
        assert clock_steps(instance.database).count == 0
        for seconds in (299, 301, -301):
            clock.step(seconds)
            asyncio.run(jobs.tick(instance, watch))
        assert clock_steps(instance.database).count == 2


def test_steps_while_the_database_is_away_are_recorded_later(
    data_dir: Path, database_url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each once, in order, when the database is back: also two that cancel each other out."""
    with opened(data_dir, database_url) as instance:
        clock = clock_of(instance)
        watch = ClockWatch(clock)
        with monkeypatch.context() as away:
            away.setattr(instance.database, "writing", _refuse)
            for seconds in (HOUR, -HOUR):
                clock.step(seconds)
                asyncio.run(jobs.tick(instance, watch))
            asyncio.run(jobs.tick(instance, watch))
        assert clock_steps(instance.database).count == 0
        for _ in range(2):
            asyncio.run(jobs.tick(instance, watch))
            clock.advance(90)
        events = Deps(instance).read_sync(lambda unit: unit.events.page("clock", None, 9))
        assert [event.detail["step_seconds"] for event in events] == [-HOUR, HOUR]


def _refuse(*_: Any) -> None:
    raise Unavailable("The database is away.")


def test_small_corrections_are_no_event() -> None:
    """Time servers correct by seconds."""
    clock = FrozenClock()
    watch = ClockWatch(clock)
    clock.step(299)
    clock.advance(HOUR)
    assert watch.step_ms() == 0
    clock.step(-301)
    assert watch.step_ms() == -301_000
    assert watch.step_ms() == 0
