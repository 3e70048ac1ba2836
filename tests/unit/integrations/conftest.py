from pathlib import Path
from typing import Any

import pytest

from ari.base.caller import SYSTEM, Caller
from ari.base.master_key import MasterKeys
from ari.integrations import commands, model
from ari.integrations.credentials import credential
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.model import Credential, ProviderKey
from ari.integrations.providers import get_provider
from tests.support.clock import FrozenClock
from tests.unit.integrations.memory import MemoryIntegrationTransaction

OPENAI = get_provider("openai")
KEY = "sk-proj-0123456789abcdefABCDEF"
NOTHING = ProviderEnvironment()


@pytest.fixture
def tx(clock: FrozenClock, keys: MasterKeys) -> MemoryIntegrationTransaction:
    """An instance without integrations."""
    return MemoryIntegrationTransaction(clock, keys)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def keys(data_dir: Path) -> MasterKeys:
    """The master keys of an empty data directory: the first encrypted secret makes one."""
    return MasterKeys(data_dir)


@pytest.fixture
def put(tx: MemoryIntegrationTransaction, keys: MasterKeys, clock: FrozenClock) -> Any:
    """Encrypts a key of OpenAI, or of the provider named."""

    def work(key: str = KEY, provider: model.Provider = OPENAI, caller: Caller = SYSTEM) -> ProviderKey:
        return commands.put_key(tx.by(caller), provider, NOTHING, key)

    return work


@pytest.fixture
def used_credential(tx: MemoryIntegrationTransaction, keys: MasterKeys, put: Any) -> Credential:
    """What speaks to OpenAI with a stored key."""
    put()
    return credential(tx, OPENAI, NOTHING)
