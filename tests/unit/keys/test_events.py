"""Events about keys."""

from ari.keys import record_exposure
from ari.keys.events import record_key
from tests.unit.keys.memory import MemoryTransaction, make_key


def test_an_event_holds_the_hint_and_never_the_key() -> None:
    """Promise 4: enough to recognize the key, useless to a thief."""
    tx = MemoryTransaction()
    key = make_key(tx)
    record_key(tx, "key_renamed", key, {"from": "a", "to": "b"})
    event = tx.events.written[-1]
    assert event.detail == {"hint": key.hint, "from": "a", "to": "b"}
    assert (event.subject, event.at_ms, event.actor) == (key.id, tx.now_ms, "usr_1")


def test_an_exposed_key_is_recorded_once() -> None:
    """Anyone who holds it could send it in URLs without end."""
    tx = MemoryTransaction()
    key = make_key(tx)
    for _ in range(3):
        record_exposure(tx, key)
    assert tx.names == ["key_created", "key_exposed"]
