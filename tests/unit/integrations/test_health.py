"""Failing and working again are each recorded once, and late results don't change another key."""

from typing import Any

from ari.base.clock import MINUTE_MS
from ari.base.master_key import MasterKeys
from ari.integrations import commands, health, model
from ari.integrations.credentials import credential, state
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.model import Credential
from ari.integrations.providers import get_provider
from tests.support.clock import FrozenClock
from tests.unit.integrations.memory import MemoryIntegrationTransaction

OPENAI, OLLAMA = get_provider("openai"), get_provider("ollama")
KEY, OTHER = "sk-proj-0123456789abcdefABCDEF", "sk-proj-fedcba9876543210FEDCBA"
WORKS, REJECTED = model.TestResult("works", "It works."), model.TestResult("rejected", "It was refused.")
UNREACHABLE = model.TestResult("unreachable", "It is down.")

NOTHING = ProviderEnvironment()


def test_failing_is_reported_once(
    tx: MemoryIntegrationTransaction, used_credential: Credential, clock: FrozenClock
) -> None:
    """The first refusal is an event and a time, the next are not; taken again, it is over, once."""
    health.record_rejected(tx, used_credential, "OpenAI rejected the key.", 401)
    clock.advance(60)
    health.record_rejected(tx, used_credential, "Again.", 401)
    [key] = tx.provider_keys.of("openai")
    assert (key.failing_since_ms, key.failing_reason) == (clock.now_ms() - MINUTE_MS, "OpenAI rejected the key.")
    assert state(tx, OPENAI, NOTHING).name == "failing"
    for _ in range(2):
        health.record_working(tx, used_credential)
        assert tx.provider_keys.of("openai")[0].failing_since_ms is None
    assert tx.events.names() == ["provider_key_added", "provider_key_rejected", "integration_works_again"]
    rejected = tx.events.all[1]
    assert (rejected.subject, rejected.actor) == ("openai", "system")
    detail = {"provider": "openai", "status": 401, "reason": "OpenAI rejected the key.", "key": key.id}
    assert rejected.detail == detail


def test_a_word_on_the_key_before_condemns_no_new_one(
    tx: MemoryIntegrationTransaction, used_credential: Credential, put: Any, clock: FrozenClock
) -> None:
    """A refusal that was on its way when the key was replaced is not of the new key; nor is its test."""
    clock.advance(1)
    put(OTHER)
    health.record_rejected(tx, used_credential, "Too late.", 401)
    health.record_test(tx, used_credential, REJECTED)
    [key] = tx.provider_keys.of("openai")
    assert (key.failing_since_ms, key.tested) == (None, None)
    assert tx.events.names()[-1] == "integration_tested"
    clock.advance(1)
    put()
    assert state(tx, OPENAI, NOTHING).name == "configured"


def test_a_word_on_a_removed_key_brings_nothing_back(
    tx: MemoryIntegrationTransaction, used_credential: Credential, keys: MasterKeys, clock: FrozenClock
) -> None:
    """A removed key stays removed."""
    commands.remove(tx, OPENAI)
    health.record_unreachable(tx, used_credential, "Too late.", None)
    health.record_test(tx, used_credential, WORKS)
    commands.set_base_url(tx, OLLAMA, "http://127.0.0.1:11434")
    keyless = credential(tx, OLLAMA, NOTHING)
    commands.remove(tx, OLLAMA)
    health.record_unreachable(tx, keyless, "Too late.", None)
    assert not tx.integrations.rows


def test_a_test_is_written_down(
    tx: MemoryIntegrationTransaction, used_credential: Credential, clock: FrozenClock
) -> None:
    """When and what; a refusal turns it failing, a response turns it back."""
    for result, name in ((REJECTED, "failing"), (WORKS, "configured"), (UNREACHABLE, "failing"), (WORKS, "configured")):
        clock.advance(1)
        health.record_test(tx, used_credential, result)
        [key] = tx.provider_keys.of("openai")
        assert (key.tested, key.tested_at_ms) == (result, clock.now_ms())
        assert state(tx, OPENAI, NOTHING).name == name
    assert tx.events.names()[1:] == [
        "integration_tested",
        "provider_key_rejected",
        "integration_tested",
        "integration_works_again",
        "integration_tested",
        "integration_unreachable",
        "integration_tested",
        "integration_works_again",
    ]


def test_a_key_of_the_environment_fails_and_recovers(
    tx: MemoryIntegrationTransaction, keys: MasterKeys, clock: FrozenClock
) -> None:
    """There is nothing stored of it but how it does; the same for an address of the environment without a key."""
    environment = ProviderEnvironment({"openai": KEY}, {"ollama": "http://127.0.0.1:11434"})
    for provider in (OPENAI, OLLAMA):
        used = credential(tx, provider, environment)
        assert used.source == "environment"
        health.record_rejected(tx, used, "It was refused.", 401)
        assert state(tx, provider, environment).name == "failing"
        assert state(tx, provider, NOTHING).name == "not_configured"
        health.record_working(tx, used)
        assert state(tx, provider, environment).name == "configured"
