"""Opening an instance, and how long its callers wait for the database."""

import asyncio
from pathlib import Path

import pytest

from ari import instance as module
from ari.base.errors import ConfigurationError, Unavailable
from ari.instance import Instance, in_time
from tests.support.commands import clock_of
from tests.support.instances import opened, settings_for


def test_a_database_without_its_migrations_is_not_served(data_dir: Path) -> None:
    """Migrating is a decision: ``ari serve`` makes it, a command that only reads does not."""
    settings = settings_for(data_dir, None)
    with pytest.raises(ConfigurationError, match="ari migrate"):
        Instance.open(settings)
    Instance.open(settings, migrate=True).close()
    Instance.open(settings).close()


def test_a_request_does_not_wait_for_a_hanging_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets a 503, never a guess, with whether repeating is safe."""
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.0)

    async def hang() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Unavailable, match="try again"):
        asyncio.run(in_time(hang()))
    with pytest.raises(Unavailable, match="the change may still be made"):
        asyncio.run(in_time(hang(), "the change may still be made"))


def test_probes_share_one_look_at_the_database_a_second(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many load balancers ask; each name under which it is checked is apart."""
    pings: list[None] = []
    with opened(data_dir, None) as instance:
        monkeypatch.setattr(instance.database, "ping", lambda: pings.append(None))

        async def ask(seconds: float, name: str) -> None:
            clock_of(instance).advance(seconds)
            await instance.check_ready(name)

        async def run() -> list[int]:
            counts = []
            for seconds, name in ((0, "ready"), (0.9, "ready"), (0, "health"), (0.2, "ready")):
                await ask(seconds, name)
                counts.append(len(pings))
            return counts

        assert asyncio.run(run()) == [1, 1, 2, 3]
