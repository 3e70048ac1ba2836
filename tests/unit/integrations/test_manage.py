"""The verbs of integrations: each change one event, failing and working again told once, late words condemn nobody."""

from dataclasses import replace
from typing import Any

import pytest

from ari.base.caller import SYSTEM, Caller
from ari.base.clock import MINUTE_MS, FrozenClock
from ari.base.errors import Conflict, Invalid, NotFound, Unconfirmed
from ari.base.events import Origin
from ari.base.master_key import MasterKeys
from ari.integrations import manage, model
from ari.integrations.credentials import credential, state, states
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.model import Credential, Integration
from ari.integrations.providers import provider_named
from tests.unit.integrations.memory import MemoryUnit

OPENAI, OLLAMA, COMPATIBLE = (provider_named(name) for name in ("openai", "ollama", "openai_compatible"))
KEY, OTHER = "sk-proj-0123456789abcdefABCDEF", "sk-proj-fedcba9876543210FEDCBA"
NOTHING = ProviderEnvironment()
WORKS, REJECTED = model.TestResult("works", "It works."), model.TestResult("rejected", "It was refused.")
UNREACHABLE = model.TestResult("unreachable", "It is down.")


@pytest.fixture
def put(unit: MemoryUnit, keys: MasterKeys, clock: FrozenClock) -> Any:
    """Seals a key of OpenAI, or of the provider named."""

    def work(key: str = KEY, provider: model.Provider = OPENAI, caller: Caller = SYSTEM) -> Integration:
        return manage.put_key(unit, keys, caller, clock.now_ms(), provider, NOTHING, key)

    return work


@pytest.fixture
def used(unit: MemoryUnit, keys: MasterKeys, put: Any) -> Credential:
    """What speaks to OpenAI with a stored key."""
    put()
    return credential(unit, keys, OPENAI, NOTHING)


def test_a_key_is_sealed_and_masked(unit: MemoryUnit, keys: MasterKeys, put: Any, clock: FrozenClock) -> None:
    """The row has its mask, the envelope the key, the event neither; another in its place is another event."""
    row = put()
    assert (row.mask, row.added_by, row.added_at_ms) == ("sk-p…CDEF", "system", clock.now_ms())
    clock.advance(1)
    replaced = put(OTHER)
    assert (replaced.id, replaced.mask) == (row.id, "sk-p…DCBA")
    assert credential(unit, keys, OPENAI, NOTHING).secret == OTHER
    assert unit.events.names() == ["provider_key_added", "provider_key_replaced"]
    for text in (repr(unit), str([event.detail for event in unit.events.all])):
        assert KEY not in text
        assert OTHER not in text
    assert {event.subject for event in unit.events.all} == {"openai"}


def test_a_bad_key_changes_nothing(unit: MemoryUnit, put: Any) -> None:
    """Nor does one for which there is no address yet."""
    with pytest.raises(Invalid, match="begin with sk-"):
        put("hunter2")
    with pytest.raises(Invalid, match=r"base URL first, such as http://127\.0\.0\.1:8000/v1"):
        put("hunter2", COMPATIBLE)
    assert not unit.integrations.rows
    assert not unit.sealed.kept
    assert not unit.events.all


def test_writing_asks_for_the_password_of_late(unit: MemoryUnit, put: Any, clock: FrozenClock) -> None:
    """Every verb that an owner calls, after a quarter of an hour (security.md 29)."""
    put()
    stale = Caller("usr_1", Origin("web"), session_digest=b"s", confirmed_at_ms=clock.now_ms() - 15 * MINUTE_MS)
    for work in (
        lambda: put(OTHER, caller=stale),
        lambda: manage.set_base_url(unit, stale, clock.now_ms(), OPENAI, "http://127.0.0.1:1"),
        lambda: manage.remove(unit, stale, clock.now_ms(), OPENAI),
    ):
        with pytest.raises(Unconfirmed):
            work()
    assert unit.events.names() == ["provider_key_added"]
    put(OTHER, caller=replace(stale, confirmed_at_ms=clock.now_ms()))


def test_another_base_url_deletes_the_key(unit: MemoryUnit, keys: MasterKeys, put: Any, clock: FrozenClock) -> None:
    """In the same transaction; the same address again, or the built-in one, changes nothing."""
    put()
    for same in ("https://api.openai.com/v1", None):
        assert manage.set_base_url(unit, SYSTEM, clock.now_ms(), OPENAI, same).mask
    moved = manage.set_base_url(unit, SYSTEM, clock.now_ms(), OPENAI, "http://127.0.0.1:4000/v1")
    assert (moved.base_url, moved.mask, moved.added_at_ms) == ("http://127.0.0.1:4000", None, None)
    assert not unit.sealed.kept
    assert unit.events.names() == ["provider_key_added", "integration_base_url_changed"]
    assert unit.events.all[-1].detail["key_deleted"] is True
    with pytest.raises(Conflict) as refused:
        credential(unit, keys, OPENAI, NOTHING)
    assert refused.value.code == "not_configured"
    put("any-look")
    assert credential(unit, keys, OPENAI, NOTHING).owner_named


def test_removing_leaves_nothing(unit: MemoryUnit, put: Any, clock: FrozenClock) -> None:
    """No row, no envelope; a second time there is nothing to remove."""
    put()
    manage.remove(unit, SYSTEM, clock.now_ms(), OPENAI)
    assert not unit.integrations.rows
    assert not unit.sealed.kept
    assert unit.events.names()[-1] == "provider_key_removed"
    with pytest.raises(NotFound, match="OpenAI isn't set up in ARI"):
        manage.remove(unit, SYSTEM, clock.now_ms(), OPENAI)


def test_failing_is_told_once(unit: MemoryUnit, used: Credential, clock: FrozenClock) -> None:
    """The first refusal is an event and a time, the next are not; taken again, it is over, once."""
    first = manage.note_rejected(unit, clock.now_ms(), used, "OpenAI rejected the key.", 401)
    clock.advance(60)
    assert manage.note_rejected(unit, clock.now_ms(), used, "Again.", 401) == first
    assert first.failing_since_ms == clock.now_ms() - MINUTE_MS
    assert state(unit, OPENAI, NOTHING).name == "failing"
    for _ in range(2):
        assert manage.note_working(unit, clock.now_ms(), used).failing_since_ms is None
    assert unit.events.names() == ["provider_key_added", "provider_key_rejected", "integration_works_again"]
    rejected = unit.events.all[1]
    assert (rejected.subject, rejected.actor) == ("openai", "system")
    assert rejected.detail == {"provider": "openai", "status": 401, "reason": "OpenAI rejected the key."}


def test_a_word_on_the_key_before_condemns_no_new_one(
    unit: MemoryUnit, used: Credential, put: Any, clock: FrozenClock
) -> None:
    """A refusal that was on its way when the key was replaced is not of the new key; nor is its test."""
    clock.advance(1)
    put(OTHER)
    manage.note_rejected(unit, clock.now_ms(), used, "Too late.", 401)
    manage.note_test(unit, SYSTEM, clock.now_ms(), used, REJECTED)
    row = unit.integrations.rows["openai"]
    assert (row.failing_since_ms, row.tested) == (None, None)
    assert unit.events.names()[-1] == "integration_tested"
    clock.advance(1)
    put()
    assert state(unit, OPENAI, NOTHING).name == "configured"


def test_a_word_on_a_removed_key_brings_nothing_back(
    unit: MemoryUnit, used: Credential, keys: MasterKeys, clock: FrozenClock
) -> None:
    """What is removed stays so."""
    manage.remove(unit, SYSTEM, clock.now_ms(), OPENAI)
    manage.note_unreachable(unit, clock.now_ms(), used, "Too late.", None)
    manage.note_test(unit, SYSTEM, clock.now_ms(), used, WORKS)
    manage.set_base_url(unit, SYSTEM, clock.now_ms(), OLLAMA, "http://127.0.0.1:11434")
    keyless = credential(unit, keys, OLLAMA, NOTHING)
    manage.remove(unit, SYSTEM, clock.now_ms(), OLLAMA)
    manage.note_unreachable(unit, clock.now_ms(), keyless, "Too late.", None)
    assert not unit.integrations.rows


def test_a_test_is_written_down(unit: MemoryUnit, used: Credential, clock: FrozenClock) -> None:
    """When and what; a refusal turns it failing, an answer turns it back."""
    for result, name in ((REJECTED, "failing"), (WORKS, "configured"), (UNREACHABLE, "failing"), (WORKS, "configured")):
        clock.advance(1)
        row = manage.note_test(unit, SYSTEM, clock.now_ms(), used, result)
        assert (row.tested, row.tested_at_ms) == (result, clock.now_ms())
        assert state(unit, OPENAI, NOTHING).name == name
    assert unit.events.names()[1:] == [
        "integration_tested",
        "provider_key_rejected",
        "integration_tested",
        "integration_works_again",
        "integration_tested",
        "integration_unreachable",
        "integration_tested",
        "integration_works_again",
    ]


def test_a_provider_without_a_key(unit: MemoryUnit, keys: MasterKeys, clock: FrozenClock) -> None:
    """Its address is all it needs."""
    with pytest.raises(Conflict):
        credential(unit, keys, OLLAMA, NOTHING)
    manage.set_base_url(unit, SYSTEM, clock.now_ms(), OLLAMA, "http://127.0.0.1:11434")
    used = credential(unit, keys, OLLAMA, NOTHING)
    assert (used.headers, used.owner_named, used.secret) == ((), True, "")
    found = state(unit, OLLAMA, NOTHING)
    assert (found.name, found.source, found.base_url) == ("configured", None, "http://127.0.0.1:11434")
    manage.note_unreachable(unit, clock.now_ms(), used, "It is down.", None)
    assert state(unit, OLLAMA, NOTHING).name == "failing"


def test_a_key_of_the_environment_fails_and_recovers(unit: MemoryUnit, keys: MasterKeys, clock: FrozenClock) -> None:
    """There is nothing stored of it but how it does; the same for an address of the environment without a key."""
    environment = ProviderEnvironment({"openai": KEY}, {"ollama": "http://127.0.0.1:11434"})
    for provider in (OPENAI, OLLAMA):
        used = credential(unit, keys, provider, environment)
        assert used.source == "environment"
        manage.note_rejected(unit, clock.now_ms(), used, "It was refused.", 401)
        assert state(unit, provider, environment).name == "failing"
        assert state(unit, provider, NOTHING).name == "not_configured"
        manage.note_working(unit, clock.now_ms(), used)
        assert state(unit, provider, environment).name == "configured"


def test_every_provider_has_a_state(unit: MemoryUnit, put: Any) -> None:
    """Configured or not; the list is whole."""
    put()
    found = {one.provider.name: one for one in states(unit, NOTHING)}
    assert len(found) == 13
    assert (found["openai"].name, found["openai"].source, found["openai"].mask) == ("configured", "stored", "sk-p…CDEF")
    assert {one.name for name, one in found.items() if name != "openai"} == {"not_configured"}
