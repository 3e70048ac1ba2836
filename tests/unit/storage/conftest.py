"""An instance on SQLite for the tests of one storage module; what holds on both databases is in ``tests/contract``."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ari.instance import Instance
from tests.support.instances import opened


@pytest.fixture
def instance(data_dir: Path) -> Iterator[Instance]:
    with opened(data_dir, None) as found:
        yield found
