"""Events that anybody can cause are bounded (security.md 18, 19)."""

import asyncio
from pathlib import Path

import pytest

from ari.base.errors import Unavailable
from ari.base.events import Origin
from ari.deps import Deps
from ari.http.security_events import SecurityEvents
from ari.instance import Instance
from tests.support.commands import clock_of, create_key, events_of
from tests.support.instances import opened

ORIGIN = Origin("api", "192.0.2.7")


def test_a_key_in_a_url_is_recorded_once_a_day(data_dir: Path) -> None:
    """For each key apart, so that a loud one hides no other."""
    with opened(data_dir, None) as instance:
        events = SecurityEvents(instance)
        one, other = create_key(instance).key, create_key(instance).key

        async def run() -> None:
            for key in (one, one, other):
                await events.report_key_in_url(key, ORIGIN)

        asyncio.run(run())
        assert events_of(instance, one).count("key_exposed") == 1
        assert events_of(instance, other).count("key_exposed") == 1
        clock_of(instance).advance(24 * 3_600)
        asyncio.run(events.report_key_in_url(one, ORIGIN))
        assert events_of(instance, one).count("key_exposed") == 2


def test_an_event_that_could_not_be_written_is_written_by_the_next_request(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request fails with it; it must not count as reported."""
    with opened(data_dir, None) as instance:
        events, key = SecurityEvents(instance), create_key(instance).key

        def fail(*_: object) -> None:
            raise Unavailable("The disk is full.")

        with monkeypatch.context() as patched:
            patched.setattr("ari.keys.record_exposure", fail)
            with pytest.raises(Unavailable):
                asyncio.run(events.report_key_in_url(key, ORIGIN))
        assert "key_exposed" not in events_of(instance, key)
        asyncio.run(events.report_key_in_url(key, ORIGIN))
        assert events_of(instance, key)[0] == "key_exposed"


def test_an_unauthorized_route_is_recorded_once_an_hour(data_dir: Path) -> None:
    """It is a bug in ARI, which one request can show and thousands can repeat."""

    def count(instance: Instance) -> int:
        found = Deps(instance).read_sync(lambda tx: tx.events.page(None, None, 100))
        return sum(event.name == "unauthorized_route" for event in found)

    with opened(data_dir, None) as instance:
        events = SecurityEvents(instance)

        async def run() -> None:
            await events.report_unauthorized()
            await events.report_unauthorized()

        asyncio.run(run())
        assert count(instance) == 1
