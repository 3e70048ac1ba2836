"""Shared by the proofs whose processes die at a named point: the instance, the death, and the time after it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ari.base.events import Event, Origin
from ari.base.ids import new_id
from ari.instance import Instance
from tests.support import forked
from tests.support.instances import opened
from tests.support.server import clean_environment

ROOT = Path(__file__).parents[2]


@contextmanager
def instance_on(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    prepare: Callable[[Instance], None],
    **settings: str,
) -> Iterator[Instance]:
    """An instance on the kind of database that is the fixture's parameter; its clock is a file.

    ``prepare`` runs once, before the instance is opened as a process would open it.
    """
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres").create()
    folder = tmp_path_factory.mktemp("crash") / "data"
    folder.mkdir(mode=0o700)
    clock = folder / "clock"
    clock.write_text("0")
    with opened(folder, url, test_clock_file=clock, **settings) as made:
        prepare(made)
    running = Instance.open(made.settings)
    yield running
    running.close()
    if url is not None:
        request.getfixturevalue("postgres").drop(url)


def append_event(instance: Instance, point: str) -> str:
    """Record that a key was created; returns the event's ID."""
    now_ms = instance.now_ms()
    event = Event(new_id("evt", now_ms), now_ms, "key_created", "cli:x", None, Origin("cli"), {"name": point})
    with instance.database.writing() as tx:
        tx.events.append(event)
    return event.id


def die_at(module: str, point: str, instance: Instance, **variables: str) -> None:
    """Have ``main()`` of a module work on the instance's data in a process of its own, which dies there."""
    settings = instance.settings
    url = settings.database_url
    environment = {
        "ARI_DATABASE_URL": None if url is None else url.get_secret_value(),
        "ARI_TEST_CLOCK_FILE": str(settings.test_clock_file),
        **variables,
    }
    words = [str(settings.data_dir), point]
    done = forked.run(words, clean_environment(settings.data_dir, environment), ROOT, module=module)
    assert done.returncode == -9, done.stderr


def advance_clock(instance: Instance, milliseconds: int) -> None:
    """Let time pass, for this process and those that follow."""
    file = instance.settings.test_clock_file
    assert file is not None
    file.write_text(str(int(file.read_text()) + milliseconds))
