import pytest

from ari.accounts.model import Account
from ari.base.clock import FrozenClock
from ari.base.events import Origin
from tests.unit.accounts.memory import MemoryUnit


@pytest.fixture
def unit() -> MemoryUnit:
    """An instance without an owner."""
    return MemoryUnit()


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def origin() -> Origin:
    return Origin("web", "192.0.2.7", "a browser", "req_1")


@pytest.fixture
def account(unit: MemoryUnit, clock: FrozenClock) -> Account:
    """The owner, in the store; its hash is no real one."""
    owner = Account("usr_1", "owner@example.com", "a hash", clock.now_ms())
    unit.accounts.add_owner(owner)
    return owner
