"""Creating a key: its secret is shown once, and it never has more rights than its creator."""

from dataclasses import replace

import pytest

from ari.base.clock import DAY_MS
from ari.base.errors import Forbidden, Invalid
from ari.keys import NewKey, create, token
from ari.keys.presets import PRESETS
from tests.unit.keys.memory import NOW_MS, MemoryTransaction, make_key


def test_the_secret_is_returned_once_and_stored_as_a_digest() -> None:
    """Promise 4."""
    tx = MemoryTransaction()
    made = create(tx, NewKey("deploy"))
    assert token.parse(made.secret.encode()) in tx.keys.digests
    assert made.secret not in repr(made)
    assert made.secret not in repr(tx)


def test_defaults_are_the_standard_preset_without_an_expiry() -> None:
    """As the page offers it first."""
    made = create(MemoryTransaction(), NewKey("  deploy  "))
    assert made.key.name == "deploy"
    assert made.key.scopes == tuple(sorted(PRESETS["standard"].scopes))
    assert made.key.expires_at_ms is None


def test_an_event_records_what_was_created() -> None:
    """The audit log and the email are made from it."""
    tx = MemoryTransaction()
    made = create(tx, NewKey("deploy", expires="7d", scopes=("keys:read",)))
    [event] = tx.events.written
    assert (event.name, event.actor, event.subject) == ("key_created", "usr_1", made.key.id)
    assert event.detail["scopes"] == ["keys:read"]
    assert made.key.expires_at_ms == NOW_MS + 7 * DAY_MS


def test_same_names_are_counted_and_allowed() -> None:
    """The door warns; two services may have the same name."""
    tx = MemoryTransaction()
    assert create(tx, NewKey("Deploy")).same_name == 0
    assert create(tx, NewKey("dePLOY")).same_name == 1


@pytest.mark.parametrize(
    "new", [NewKey(""), NewKey("n", expires="7 bananas"), NewKey("n", scopes=("no:scope",)), NewKey("n", scopes=())]
)
def test_invalid_input_creates_nothing(new: NewKey) -> None:
    """Nothing is half-written."""
    tx = MemoryTransaction()
    with pytest.raises(Invalid):
        create(tx, new)
    assert (tx.keys.rows, tx.names) == ({}, [])


def test_a_key_grants_only_what_it_has() -> None:
    """Security rule 11, for scopes and for the expiry."""
    tx = MemoryTransaction()
    maker = tx.by(make_key(tx, "keys:write", "api:read", expires_at_ms=NOW_MS + DAY_MS))
    assert create(maker, NewKey("child", scopes=("api:read",), expires="1h")).key.created_by == maker.caller.actor
    with pytest.raises(Forbidden):
        create(maker, NewKey("child", scopes=("keys:read",), expires="1h"))
    with pytest.raises(Forbidden, match="beyond its own expiry"):
        create(maker, NewKey("child", scopes=("api:read",)))


def test_a_session_must_have_confirmed_its_password() -> None:
    """Security rule 29."""
    tx = MemoryTransaction()
    tx.caller = replace(tx.caller, session_digest=b"x", confirmed_at_ms=0)
    with pytest.raises(Exception, match="password"):
        create(tx, NewKey("n"))
    assert tx.keys.rows == {}
