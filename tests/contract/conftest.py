"""One instance on each database for the tests of a file."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from ari.instance import Instance
from tests.support.clock import FrozenClock
from tests.support.instances import START_MS, opened
from tests.support.post import Post


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One instance on each database for all tests of a file."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres").create()
    folder = tmp_path_factory.mktemp("shared") / "data"
    folder.mkdir(mode=0o700)
    with opened(folder, url) as instance:
        yield instance
    if url is not None:
        request.getfixturevalue("postgres").drop(url)


@pytest.fixture
def post(shared_instance: Instance) -> Post:
    """Nothing waits, everything is on, all events are read, and it is ``START_MS``."""
    shared_instance.clock = shared_instance.database.clock = FrozenClock(START_MS)
    with shared_instance.database.main.begin() as connection:
        for table in ("notices", "notes", "sealed_secrets", "accounts"):
            connection.execute(text(f"DELETE FROM {table}"))
    with shared_instance.database.writing() as unit:
        for event in unit.events.page(None, None, 1):
            unit.feed.mark_read(event)
    return Post(shared_instance)
