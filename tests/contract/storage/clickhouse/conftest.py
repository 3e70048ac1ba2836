"""An instance on PostgreSQL whose rows are in ClickHouse."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ari.instance import Instance
from tests.support.instances import opened
from tests.support.missing import skip_missing


@pytest.fixture(scope="session")
def clickhouse() -> Iterator[Any]:
    """The ClickHouse of this test run."""
    from tests.support import clickhouse

    if clickhouse.URL not in os.environ and find_spec("chdb") is None:
        skip_missing("needs the package chdb-core")
    with clickhouse.start() as engine:
        yield engine


@pytest.fixture
def clickhouse_url(clickhouse: Any) -> Iterator[str]:
    """An empty ClickHouse database of the test's own."""
    url = clickhouse.create()
    yield url
    clickhouse.drop(url)


Open = Callable[..., Instance]


@pytest.fixture
def open_instance(tmp_path: Path, postgres_url: str) -> Iterator[Open]:
    """Opens the instance, as another node each time; ``usage_log_url`` says where the rows are."""
    with ExitStack() as stack:

        def start(usage_log_url: str | None, **more: object) -> Instance:
            folder = tmp_path / f"node{len(list(tmp_path.iterdir()))}"
            folder.mkdir(mode=0o700)
            return stack.enter_context(opened(folder, postgres_url, usage_log_url=usage_log_url, **more))

        yield start


@pytest.fixture
def instance(open_instance: Open, clickhouse_url: str) -> Instance:
    """An instance whose rows are in ClickHouse."""
    return open_instance(clickhouse_url)
