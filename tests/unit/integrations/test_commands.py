"""Commands of integrations: each change one event, failing and working again reported once, late results ignored."""

from dataclasses import replace
from typing import Any

import pytest

from ari.base.caller import Caller
from ari.base.clock import MINUTE_MS
from ari.base.errors import Conflict, Invalid, NotFound, ReauthRequired
from ari.base.events import Origin
from ari.base.master_key import MasterKeys
from ari.integrations import commands, health, model
from ari.integrations.credentials import credential, state, states
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.providers import get_provider
from tests.support.clock import FrozenClock
from tests.unit.integrations.memory import MemoryIntegrationTransaction

OPENAI, OLLAMA, COMPATIBLE = (get_provider(name) for name in ("openai", "ollama", "openai_compatible"))
KEY, OTHER = "sk-proj-0123456789abcdefABCDEF", "sk-proj-fedcba9876543210FEDCBA"
NOTHING = ProviderEnvironment()
WORKS, REJECTED = model.TestResult("works", "It works."), model.TestResult("rejected", "It was refused.")
UNREACHABLE = model.TestResult("unreachable", "It is down.")


def test_a_key_is_encrypted_and_masked(
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
        commands.set_base_url(tx, OPENAI, same)
        assert tx.provider_keys.of("openai")
    moved = commands.set_base_url(tx, OPENAI, "http://127.0.0.1:4000/v1")
    assert (moved.base_url, tx.provider_keys.of("openai")) == ("http://127.0.0.1:4000", ())
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


def test_every_provider_has_a_state(tx: MemoryIntegrationTransaction, put: Any) -> None:
    """Configured or not; the list is whole."""
    put()
    found = {one.provider.name: one for one in states(tx, NOTHING)}
    assert len(found) == 13
    assert (found["openai"].name, found["openai"].source, found["openai"].mask) == ("configured", "stored", "sk-p…CDEF")
    assert {one.name for name, one in found.items() if name != "openai"} == {"not_configured"}
