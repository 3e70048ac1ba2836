"""Several keys for one provider: each is added, changed and removed on its own, with one event."""

from dataclasses import replace

import pytest

from ari.base.caller import Caller
from ari.base.errors import Conflict, Forbidden, Invalid, NotFound, ReauthRequired
from ari.base.events import Origin
from ari.integrations import commands, health, pool
from ari.integrations.credentials import credential, state
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.model import TestResult as Result
from ari.integrations.providers import get_provider
from tests.support.clock import FrozenClock
from tests.unit.integrations.memory import MemoryIntegrationTransaction

OPENAI, RESEND = get_provider("openai"), get_provider("resend")
KEYS = [f"sk-proj-0123456789abcdefABCDE{letter}" for letter in "FGH"]
NOTHING = ProviderEnvironment()


def _add_three(tx: MemoryIntegrationTransaction) -> list[str]:
    return [pool.add_key(tx, OPENAI, NOTHING, key, label).id for key, label in zip(KEYS, ("EU", "", "US"), strict=True)]


def _labels(tx: MemoryIntegrationTransaction) -> list[str]:
    return [one.name for one in tx.provider_keys.of("openai")]


def test_keys_are_added_in_their_order(tx: MemoryIntegrationTransaction) -> None:
    """Each opens on its own; the first is the one that tests and emails use."""
    ids = _add_three(tx)
    assert _labels(tx) == ["EU", "sk-p…CDEG", "US"]
    assert [credential(tx, OPENAI, NOTHING, key_id).secret for key_id in ids] == KEYS
    assert credential(tx, OPENAI, NOTHING).secret == KEYS[0]
    found = state(tx, OPENAI, NOTHING)
    assert (found.mask, found.masks) == ("sk-p…CDEF", "sk-p…CDEF and 2 more")
    assert tx.events.names() == ["provider_key_added"] * 3
    assert all(KEYS[0][8:] not in str(event.detail) for event in tx.events.all)


def test_a_key_of_the_environment_is_used_alone(tx: MemoryIntegrationTransaction) -> None:
    """It takes precedence over all stored ones, which can still be tested."""
    ids = _add_three(tx)
    given = ProviderEnvironment({"openai": "sk-of-the-environment-0123456789"})
    assert credential(tx, OPENAI, given).source == "environment"
    assert credential(tx, OPENAI, given, ids[1]).secret == KEYS[1]
    assert state(tx, OPENAI, given).source == "environment"


def test_a_key_is_renamed_and_moved(tx: MemoryIntegrationTransaction) -> None:
    """To any place; no change is no event."""
    ids = _add_three(tx)
    pool.change_key(tx, OPENAI, ids[2], position=0)
    assert _labels(tx) == ["US", "EU", "sk-p…CDEG"]
    pool.change_key(tx, OPENAI, ids[1], label="  ASIA ", position=2)
    assert _labels(tx) == ["US", "EU", "ASIA"]
    pool.change_key(tx, OPENAI, ids[1], label="ASIA", position=2)
    assert tx.events.names()[3:] == ["provider_key_changed"] * 2
    assert credential(tx, OPENAI, NOTHING).secret == KEYS[2]
    for position in (-1, 3):
        with pytest.raises(Invalid, match="from 0 to 2"):
            pool.change_key(tx, OPENAI, ids[0], position=position)
    for label in ("x" * 61, "a\nb", "\x00"):
        with pytest.raises(Invalid, match="at most 60"):
            pool.change_key(tx, OPENAI, ids[0], label=label)


def test_one_key_is_removed(tx: MemoryIntegrationTransaction) -> None:
    """With its secret; the others stay, and the last leaves a provider without a key."""
    ids = _add_three(tx)
    pool.remove_key(tx, OPENAI, ids[0])
    assert _labels(tx) == ["sk-p…CDEG", "US"]
    assert len(tx.sealed.kept) == 2
    with pytest.raises(NotFound):
        pool.remove_key(tx, OPENAI, ids[0])
    for key_id in ids[1:]:
        pool.remove_key(tx, OPENAI, key_id)
    assert not tx.sealed.kept
    assert state(tx, OPENAI, NOTHING).name == "not_configured"
    assert pool.add_key(tx, OPENAI, NOTHING, KEYS[0]).position == 0


def test_a_rejected_key_returns_when_it_is_replaced_or_tested(
    tx: MemoryIntegrationTransaction, clock: FrozenClock
) -> None:
    """Its provider fails only while every key does."""
    ids = _add_three(tx)
    used = [credential(tx, OPENAI, NOTHING, key_id) for key_id in ids]
    health.record_rejected(tx, used[1], "OpenAI rejected the key.", 401)
    assert state(tx, OPENAI, NOTHING).name == "configured"
    for one in used:
        health.record_rejected(tx, one, "OpenAI rejected the key.", 401)
    found = state(tx, OPENAI, NOTHING)
    assert (found.name, found.failure) == ("failing", found.first_key)
    health.record_test(tx, used[2], Result("works", "It works."))
    assert state(tx, OPENAI, NOTHING).name == "configured"
    clock.advance(1)
    assert pool.replace_key(tx, OPENAI, NOTHING, ids[0], KEYS[0]).failing_since_ms is None
    health.record_rejected(tx, used[0], "Too late.", 401)
    assert [one.failing_since_ms is None for one in tx.provider_keys.of("openai")] == [True, False, True]


def test_everything_goes_with_the_provider_or_its_address(tx: MemoryIntegrationTransaction) -> None:
    """No key outlives the address that it was given for."""
    _add_three(tx)
    assert commands.find_key_lost_by(tx, OPENAI, "https://x.example.net") == "sk-p…CDEF and 2 more"
    commands.set_base_url(tx, OPENAI, "https://x.example.net")
    assert (tx.provider_keys.rows, tx.sealed.kept) == ({}, {})
    _add_three(tx)
    commands.remove(tx, OPENAI)
    assert (tx.provider_keys.rows, tx.sealed.kept, tx.integrations.rows) == ({}, {}, {})


def test_there_are_bounds(tx: MemoryIntegrationTransaction, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider of emails has one key, the others a thousand."""
    pool.add_key(tx, RESEND, NOTHING, "re_0123456789abcdefABCDEF")
    with pytest.raises(Conflict, match="uses one key"):
        pool.add_key(tx, RESEND, NOTHING, "re_0123456789abcdefABCDEG")
    monkeypatch.setattr(pool, "MAX_KEYS", 3)
    _add_three(tx)
    with pytest.raises(Conflict, match="the most that ARI stores"):
        pool.add_key(tx, OPENAI, NOTHING, KEYS[0])


def test_who_may_change_keys(tx: MemoryIntegrationTransaction, clock: FrozenClock) -> None:
    """An unconfirmed session adds, replaces and removes none; an API key never changes the email provider's."""
    ids = _add_three(tx)
    stale = Caller("usr_1", Origin("web"), session_digest=b"s")
    for work in (
        lambda: pool.add_key(tx.by(stale), OPENAI, NOTHING, KEYS[0]),
        lambda: pool.replace_key(tx.by(stale), OPENAI, NOTHING, ids[0], KEYS[1]),
        lambda: pool.remove_key(tx.by(stale), OPENAI, ids[0]),
    ):
        with pytest.raises(ReauthRequired):
            work()
    confirmed = replace(stale, confirmed_at_ms=clock.now_ms())
    pool.remove_key(tx.by(confirmed), OPENAI, ids[0])
    key = Caller("key_1", Origin("api"), scopes=("*",))
    with pytest.raises(Forbidden):
        pool.add_key(tx.by(key), RESEND, NOTHING, "re_0123456789abcdefABCDEF")


def test_the_choice_is_stored_once(tx: MemoryIntegrationTransaction) -> None:
    """Setting the same one again is no event."""
    _add_three(tx)
    for _ in range(2):
        pool.set_key_choice(tx, OPENAI, "by_consumer")
    assert tx.integrations.rows["openai"].key_choice == "by_consumer"
    assert tx.events.names()[3:] == ["provider_key_choice_changed"]


def test_a_key_is_stored_once(tx: MemoryIntegrationTransaction) -> None:
    """Twice the same key would be rejected and limited twice, and double its share of the requests."""
    ids = _add_three(tx)
    with pytest.raises(Invalid, match="This OpenAI key is stored already as EU"):
        pool.add_key(tx, OPENAI, NOTHING, f" {KEYS[0]} ")
    with pytest.raises(Invalid, match=r"This OpenAI key is stored already\."):
        pool.replace_key(tx, OPENAI, NOTHING, ids[0], KEYS[1])
    pool.replace_key(tx, OPENAI, NOTHING, ids[0], KEYS[0])
    alike = KEYS[0].replace("0123", "9876")
    assert pool.add_key(tx, OPENAI, NOTHING, alike).mask == tx.provider_keys.of("openai")[0].mask
    assert len(tx.provider_keys.of("openai")) == 4
