from pathlib import Path

import pytest

from ari.base.clock import FrozenClock
from ari.base.master_key import MasterKeys
from tests.unit.integrations.memory import MemoryIntegrationTransaction


@pytest.fixture
def tx(clock: FrozenClock, keys: MasterKeys) -> MemoryIntegrationTransaction:
    """An instance without integrations."""
    return MemoryIntegrationTransaction(clock, keys)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def keys(data_dir: Path) -> MasterKeys:
    """The master keys of an empty data directory: the first sealed secret makes one."""
    return MasterKeys(data_dir)
