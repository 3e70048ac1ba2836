"""Whether an event follows from the one before it."""

from typing import Any

import pytest

from ari.base.audit import FIRST
from ari.base.events import Event, Origin, chain_hash
from ari.storage.audit_log.chain import follows

EVENT = Event("evt_1", 1, "key_created", "usr_1", None, Origin("web", None, "é", "req_1"), {"b": 1, "a": [None]})
ROW: dict[str, Any] = {
    "seq": 7,
    "id": "evt_1",
    "at_ms": 1,
    "name": "key_created",
    "actor": "usr_1",
    "subject": None,
    "door": "web",
    "client_address": None,
    "user_agent": "é",
    "request_id": "req_1",
    "detail": '{"a": [null],  "b": 1}',
    "hash": chain_hash(FIRST, EVENT),
}


def test_an_unchanged_row_follows() -> None:
    """Its number and the spelling of its JSON count for nothing: another database writes them in its own way."""
    assert follows(FIRST, ROW)
    assert follows(FIRST, ROW | {"seq": 8})


@pytest.mark.parametrize("column", [name for name in ROW if name not in ("seq", "detail", "at_ms", "name")])
def test_no_text_can_change(column: str) -> None:
    """Anyone who edits any of them is noticed."""
    assert not follows(FIRST, ROW | {column: "other"})


@pytest.mark.parametrize(
    "change",
    [
        {"at_ms": 2},
        {"name": "key_revoked"},
        {"name": "no_such_event"},
        {"detail": "{}"},
        {"detail": "{"},
        {"detail": ""},
    ],
)
def test_whatever_an_edited_row_holds(change: dict[str, Any]) -> None:
    """It breaks the chain, and never the walk."""
    assert not follows(FIRST, ROW | change)


def test_a_row_follows_only_its_predecessor() -> None:
    """A removed or moved event is noticed at the next one."""
    assert not follows("1" * 64, ROW)
