from pathlib import Path

import pytest

from ari.accounts.model import Account
from ari.base.events import Origin
from tests.support.clock import FrozenClock
from tests.unit.accounts.desk import Desk
from tests.unit.accounts.memory import VISITOR, MemoryTransaction


@pytest.fixture
def tx(clock: FrozenClock) -> MemoryTransaction:
    """An instance without an owner."""
    return MemoryTransaction(clock)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def origin() -> Origin:
    return VISITOR.origin


@pytest.fixture
def account(tx: MemoryTransaction, clock: FrozenClock) -> Account:
    """The owner, in the store; its hash is no real one."""
    owner = Account("usr_1", "owner@example.com", "a hash", clock.now_ms())
    tx.accounts.add_owner(owner)
    return owner


@pytest.fixture
def desk(tx: MemoryTransaction, clock: FrozenClock, origin: Origin, account: Account, tmp_path: Path) -> Desk:
    return Desk(tx, clock, origin, account, tmp_path)
