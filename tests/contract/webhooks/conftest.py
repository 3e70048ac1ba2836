"""One instance on each database for the tests of webhooks."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from ari.instance import Instance
from tests.support.clock import FrozenClock
from tests.support.hooks import Hooks
from tests.support.instances import START_MS, opened


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One instance on each database for all tests of a file."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres").create()
    folder = tmp_path_factory.mktemp("webhooks") / "data"
    folder.mkdir(mode=0o700)
    with opened(folder, url) as instance:
        yield instance
    if url is not None:
        request.getfixturevalue("postgres").drop(url)


@pytest.fixture
def hooks(shared_instance: Instance) -> Hooks:
    """No webhooks, and it is ``START_MS``."""
    shared_instance.clock = shared_instance.database.clock = FrozenClock(START_MS)
    with shared_instance.database.main.begin() as connection:
        for table in ("webhook_deliveries", "webhooks", "notes", "sealed_secrets", "api_keys"):
            connection.execute(text(f"DELETE FROM {table}"))
    return Hooks(shared_instance)
