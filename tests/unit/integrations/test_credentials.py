"""Which key speaks to a provider, and where: the environment's before the stored one, each only where it may go."""

from typing import Any

import pytest

from ari.base.errors import Conflict
from ari.base.master_key import MasterKeys
from ari.base.seal import CannotOpen
from ari.integrations import commands
from ari.integrations.credentials import credential, state
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.facts import integration_facts
from ari.integrations.model import Provider
from ari.integrations.providers import get_provider
from tests.unit.integrations.memory import MemoryIntegrationTransaction

OPENAI, COMPATIBLE = get_provider("openai"), get_provider("openai_compatible")
STORED, GIVEN = "sk-proj-0123456789abcdefABCDEF", "sk-proj-fedcba9876543210FEDCBA"
NOTHING = ProviderEnvironment()
NOW = 1_764_000_000_000


def _put(tx: Any, provider: Provider = OPENAI, environment: Any = NOTHING) -> None:
    commands.put_key(tx, provider, environment, STORED)


def test_the_environment_wins(tx: MemoryIntegrationTransaction, keys: MasterKeys) -> None:
    """Its key counts while it is there; the stored one waits behind it."""
    _put(tx)
    environment = ProviderEnvironment({"openai": GIVEN})
    used = credential(tx, OPENAI, environment)
    assert (used.secret, used.source, used.base_url) == (GIVEN, "environment", "https://api.openai.com")
    shown = integration_facts(state(tx, OPENAI, environment))
    assert (shown["state"], shown["source"], shown["mask"]) == ("configured", "environment", "sk-p…DCBA")
    assert credential(tx, OPENAI, NOTHING).secret == STORED
    assert integration_facts(state(tx, OPENAI, NOTHING))["source"] == "stored"


def test_a_key_of_the_environment_never_goes_to_a_stored_address(
    tx: MemoryIntegrationTransaction, keys: MasterKeys
) -> None:
    """Anyone who can set a base URL must not get the key of the environment sent there."""
    commands.set_base_url(tx, OPENAI, "https://elsewhere.example.net")
    environment = ProviderEnvironment({"openai": GIVEN})
    assert credential(tx, OPENAI, environment).base_url == "https://api.openai.com"
    assert not credential(tx, OPENAI, environment).owner_named
    commands.set_base_url(tx, COMPATIBLE, "https://elsewhere.example.net")
    alone = ProviderEnvironment({"openai_compatible": "hunter2"})
    used = credential(tx, COMPATIBLE, alone)
    assert (used.secret, used.headers) == ("", ())
    both = ProviderEnvironment({"openai_compatible": "hunter2"}, {"openai_compatible": "http://127.0.0.1:8000/v1"})
    assert credential(tx, COMPATIBLE, both).headers == (("authorization", "Bearer hunter2"),)
    assert credential(tx, COMPATIBLE, both).owner_named


def test_a_key_of_the_environment_without_an_address_says_so(
    tx: MemoryIntegrationTransaction, keys: MasterKeys
) -> None:
    """It does not count, and the page says why."""
    alone = ProviderEnvironment({"openai_compatible": "hunter2"})
    with pytest.raises(Conflict):
        credential(tx, COMPATIBLE, alone)
    found = state(tx, COMPATIBLE, alone)
    assert found.name == "not_configured"
    assert found.problem == "OPENAI_COMPATIBLE_API_KEY is only used together with OPENAI_COMPATIBLE_BASE_URL."


def test_a_stored_key_goes_only_where_it_was_encrypted_for(tx: MemoryIntegrationTransaction, keys: MasterKeys) -> None:
    """A base URL that the environment brings later gets no key that was given for another."""
    _put(tx)
    moved = ProviderEnvironment({}, {"openai": "https://proxy.example.net"})
    with pytest.raises(CannotOpen, match=r"saved for another address than https://proxy\.example\.net"):
        credential(tx, OPENAI, moved)
    shown = integration_facts(state(tx, OPENAI, moved))
    assert (shown["state"], shown["failing_since"]) == ("failing", None)
    assert "Add it again" in shown["failing_reason"]
    _put(tx, environment=moved)
    assert credential(tx, OPENAI, moved).base_url == "https://proxy.example.net"
    with pytest.raises(CannotOpen):
        credential(tx, OPENAI, NOTHING)


def test_a_lost_envelope_is_reported(tx: MemoryIntegrationTransaction, keys: MasterKeys) -> None:
    """A row without its encrypted key is failing, not working."""
    _put(tx)
    tx.sealed.kept.clear()
    with pytest.raises(CannotOpen, match="missing from storage"):
        credential(tx, OPENAI, NOTHING)
    assert state(tx, OPENAI, NOTHING).name == "failing"
