"""Events of a transaction: by its caller, at its time."""

from ari.base.caller import SYSTEM
from ari.base.transaction import new_event, record, record_bounded
from tests.unit.keys.memory import NOW_MS, OWNER, MemoryTransaction


def test_an_event_says_who_did_it_when_and_from_where() -> None:
    """The audit log would be worthless if a command could say it of itself."""
    tx = MemoryTransaction()
    made = record(tx, "key_renamed", "key_1", {"name": "n"})
    assert tx.events.written == [made]
    assert (made.actor, made.origin, made.at_ms) == (OWNER.actor, OWNER.origin, NOW_MS)
    assert (made.name, made.subject, made.detail) == ("key_renamed", "key_1", {"name": "n"})


def test_the_instance_may_record_what_a_callers_request_only_showed() -> None:
    """A provider that rejects its key is no deed of the caller whose request met it."""
    tx = MemoryTransaction()
    assert record(tx, "provider_key_rejected", "openai", caller=SYSTEM).actor == "system"


def test_a_new_event_is_not_recorded_yet() -> None:
    """Its maker decides whether it is bounded."""
    tx = MemoryTransaction()
    assert new_event(tx, "key_created", "key_1").id != new_event(tx, "key_created", "key_1").id
    assert tx.events.written == []


def test_what_strangers_can_cause_is_bounded() -> None:
    """security.md 18: a thousand requests must not write a thousand events."""
    tx = MemoryTransaction()
    for _ in range(1_000):
        record_bounded(tx, "sign_in_refused", "usr_1")
    assert 0 < len(tx.events.page(None, None, 1_000)) < 1_000
