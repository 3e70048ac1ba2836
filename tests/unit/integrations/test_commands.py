"""The verbs of integrations: each change one event, failing and working again told once, late words condemn nobody."""

from dataclasses import replace
from typing import Any

import pytest

from ari.base.caller import SYSTEM, Caller
from ari.base.clock import MINUTE_MS, FrozenClock
from ari.base.errors import Conflict, Invalid, NotFound, ReauthRequired
from ari.base.events import Origin
from ari.base.master_key import MasterKeys
from ari.integrations import commands, health, model
from ari.integrations.credentials import credential, state, states
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.model import Credential, Integration
from ari.integrations.providers import provider_named
from tests.unit.integrations.memory import MemoryIntegrationTransaction

OPENAI, OLLAMA, COMPATIBLE = (provider_named(name) for name in ("openai", "ollama", "openai_compatible"))
KEY, OTHER = "sk-proj-0123456789abcdefABCDEF", "sk-proj-fedcba9876543210FEDCBA"
NOTHING = ProviderEnvironment()
WORKS, REJECTED = model.TestResult("works", "It works."), model.TestResult("rejected", "It was refused.")
UNREACHABLE = model.TestResult("unreachable", "It is down.")


@pytest.fixture
def put(tx: MemoryIntegrationTransaction, keys: MasterKeys, clock: FrozenClock) -> Any:
    """Seals a key of OpenAI, or of the provider named."""

    def work(key: str = KEY, provider: model.Provider = OPENAI, caller: Caller = SYSTEM) -> Integration:
        return commands.put_key(tx.by(caller), provider, NOTHING, key)

    return work


@pytest.fixture
def used(tx: MemoryIntegrationTransaction, keys: MasterKeys, put: Any) -> Credential:
    """What speaks to OpenAI with a stored key."""
    put()
    return credential(tx, OPENAI, NOTHING)


def test_a_key_is_sealed_and_masked(
    tx: MemoryIntegrationTransaction, keys: MasterKeys, put: Any, clock: FrozenClock
) -> None:
    """The row has its mask, the envelope the key, the event neither; another in its place is another event."""
    row = put()
    assert (row.mask, row.added_by, row.added_at_ms) == ("sk-p…CDEF", "system", clock.now_ms())
    clock.advance(1)
    replaced = put(OTHER)
    assert (replaced.id, replaced.mask) == (row.id, "sk-p…DCBA")
    assert credential(tx, OPENAI, NOTHING).secret == OTHER
    assert tx.events.names() == ["provider_key_added", "provider_key_replaced"]
    for text in (repr(tx), str([event.detail for event in tx.events.all])):
        assert KEY not in text
        assert OTHER not in text
    assert {event.subject for event in tx.events.all} == {"openai"}


def test_a_bad_key_changes_nothing(tx: MemoryIntegrationTransaction, put: Any) -> None:
    """Nor does one for which there is no address yet."""
    with pytest.raises(Invalid, match="begin with sk-"):
        put("hunter2")
    with pytest.raises(Invalid, match=r"base URL first, such as http://127\.0\.0\.1:8000/v1"):
        put("hunter2", COMPATIBLE)
    assert not tx.integrations.rows
    assert not tx.sealed.kept
    assert not tx.events.all


def test_writing_asks_for_the_password_of_late(tx: MemoryIntegrationTransaction, put: Any, clock: FrozenClock) -> None:
    """Every verb that an owner calls, after a quarter of an hour (security.md 29)."""
    put()
    stale = Caller("usr_1", Origin("web"), session_digest=b"s", confirmed_at_ms=clock.now_ms() - 15 * MINUTE_MS)
    for work in (
        lambda: put(OTHER, caller=stale),
        lambda: commands.set_base_url(tx.by(stale), OPENAI, "http://127.0.0.1:1"),
        lambda: commands.remove(tx.by(stale), OPENAI),
    ):
        with pytest.raises(ReauthRequired):
            work()
    assert tx.events.names() == ["provider_key_added"]
    put(OTHER, caller=replace(stale, confirmed_at_ms=clock.now_ms()))


def test_another_base_url_deletes_the_key(
    tx: MemoryIntegrationTransaction, keys: MasterKeys, put: Any, clock: FrozenClock
) -> None:
    """In the same transaction; the same address again, or the built-in one, changes nothing."""
    put()
    for same in ("https://api.openai.com/v1", None):
        assert commands.set_base_url(tx, OPENAI, same).mask
    moved = commands.set_base_url(tx, OPENAI, "http://127.0.0.1:4000/v1")
    assert (moved.base_url, moved.mask, moved.added_at_ms) == ("http://127.0.0.1:4000", None, None)
    assert not tx.sealed.kept
    assert tx.events.names() == ["provider_key_added", "integration_base_url_changed"]
    assert tx.events.all[-1].detail["key_deleted"] is True
    with pytest.raises(Conflict) as refused:
        credential(tx, OPENAI, NOTHING)
    assert refused.value.code == "not_configured"
    put("any-look")
    assert credential(tx, OPENAI, NOTHING).owner_named


def test_removing_leaves_nothing(tx: MemoryIntegrationTransaction, put: Any, clock: FrozenClock) -> None:
    """No row, no envelope; a second time there is nothing to remove."""
    put()
    commands.remove(tx, OPENAI)
    assert not tx.integrations.rows
    assert not tx.sealed.kept
    assert tx.events.names()[-1] == "provider_key_removed"
    with pytest.raises(NotFound, match="OpenAI isn't set up in ARI"):
        commands.remove(tx, OPENAI)


def test_failing_is_told_once(tx: MemoryIntegrationTransaction, used: Credential, clock: FrozenClock) -> None:
    """The first refusal is an event and a time, the next are not; taken again, it is over, once."""
    first = health.record_rejected(tx, used, "OpenAI rejected the key.", 401)
    clock.advance(60)
    assert health.record_rejected(tx, used, "Again.", 401) == first
    assert first.failing_since_ms == clock.now_ms() - MINUTE_MS
    assert state(tx, OPENAI, NOTHING).name == "failing"
    for _ in range(2):
        assert health.record_working(tx, used).failing_since_ms is None
    assert tx.events.names() == ["provider_key_added", "provider_key_rejected", "integration_works_again"]
    rejected = tx.events.all[1]
    assert (rejected.subject, rejected.actor) == ("openai", "system")
    assert rejected.detail == {"provider": "openai", "status": 401, "reason": "OpenAI rejected the key."}


def test_a_word_on_the_key_before_condemns_no_new_one(
    tx: MemoryIntegrationTransaction, used: Credential, put: Any, clock: FrozenClock
) -> None:
    """A refusal that was on its way when the key was replaced is not of the new key; nor is its test."""
    clock.advance(1)
    put(OTHER)
    health.record_rejected(tx, used, "Too late.", 401)
    health.record_test(tx, used, REJECTED)
    row = tx.integrations.rows["openai"]
    assert (row.failing_since_ms, row.tested) == (None, None)
    assert tx.events.names()[-1] == "integration_tested"
    clock.advance(1)
    put()
    assert state(tx, OPENAI, NOTHING).name == "configured"


def test_a_word_on_a_removed_key_brings_nothing_back(
    tx: MemoryIntegrationTransaction, used: Credential, keys: MasterKeys, clock: FrozenClock
) -> None:
    """What is removed stays so."""
    commands.remove(tx, OPENAI)
    health.record_unreachable(tx, used, "Too late.", None)
    health.record_test(tx, used, WORKS)
    commands.set_base_url(tx, OLLAMA, "http://127.0.0.1:11434")
    keyless = credential(tx, OLLAMA, NOTHING)
    commands.remove(tx, OLLAMA)
    health.record_unreachable(tx, keyless, "Too late.", None)
    assert not tx.integrations.rows


def test_a_test_is_written_down(tx: MemoryIntegrationTransaction, used: Credential, clock: FrozenClock) -> None:
    """When and what; a refusal turns it failing, an answer turns it back."""
    for result, name in ((REJECTED, "failing"), (WORKS, "configured"), (UNREACHABLE, "failing"), (WORKS, "configured")):
        clock.advance(1)
        row = health.record_test(tx, used, result)
        assert (row.tested, row.tested_at_ms) == (result, clock.now_ms())
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


def test_a_provider_without_a_key(tx: MemoryIntegrationTransaction, keys: MasterKeys, clock: FrozenClock) -> None:
    """Its address is all it needs."""
    with pytest.raises(Conflict):
        credential(tx, OLLAMA, NOTHING)
    commands.set_base_url(tx, OLLAMA, "http://127.0.0.1:11434")
    used = credential(tx, OLLAMA, NOTHING)
    assert (used.headers, used.owner_named, used.secret) == ((), True, "")
    found = state(tx, OLLAMA, NOTHING)
    assert (found.name, found.source, found.base_url) == ("configured", None, "http://127.0.0.1:11434")
    health.record_unreachable(tx, used, "It is down.", None)
    assert state(tx, OLLAMA, NOTHING).name == "failing"


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


def test_every_provider_has_a_state(tx: MemoryIntegrationTransaction, put: Any) -> None:
    """Configured or not; the list is whole."""
    put()
    found = {one.provider.name: one for one in states(tx, NOTHING)}
    assert len(found) == 13
    assert (found["openai"].name, found["openai"].source, found["openai"].mask) == ("configured", "stored", "sk-p…CDEF")
    assert {one.name for name, one in found.items() if name != "openai"} == {"not_configured"}
