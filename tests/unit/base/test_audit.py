"""Signed statements about the audit log."""

import os
from dataclasses import replace

import pytest

from ari.base.audit import FIRST, MAX_REPLACED, Cut, Head, Mark
from ari.base.master_key import MasterKey

HEAD = Head("ins_1", 7, "evt_7", "ab" * 32, 1_000)
CUT = Cut("ins_1", 5, 1, 900, "evt_5", "cd" * 32)
KEY, OTHER = (MasterKey(os.urandom(32), one) for one in (b"one", b"two"))


def test_a_statement_reads_back() -> None:
    """The same fields, and the same bytes each time: they are what is signed."""
    for statement in (HEAD, CUT, replace(HEAD, event_id=None, hash=FIRST)):
        text = statement.to_text()
        assert type(statement).parse(text) == statement
        assert statement.to_text() == text


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"statement":"ari audit head 1"}', CUT.to_text(), "\ud800"])
def test_other_text_is_no_head(text: str) -> None:
    """A statement of another kind cannot replace one, though it is signed too."""
    assert Head.parse(text) is None


def test_only_the_master_key_signs() -> None:
    """Security rule 21: who can write the database cannot sign what they wrote."""
    mark = Mark.of(KEY, HEAD)
    assert mark.trust([OTHER, KEY]) == "ours"
    assert mark.trust([OTHER]) == "foreign"
    assert Mark(mark.text.replace('"position":7', '"position":6'), mark.signature).trust([KEY]) == "wrong"


def test_a_new_history_names_those_that_ended() -> None:
    """With the last position of each, also those that ended before; the newest ones are kept."""
    begun = replace(HEAD, event_id="evt_10", position=3).begin_history([HEAD, replace(HEAD, position=4)])
    assert (begun.history, begun.replaced) == ("evt_10", {"ins_1": 7})
    assert begun.replaces(HEAD)
    assert not begun.replaces(replace(HEAD, position=8))
    assert not begun.replaces(replace(begun, position=1))
    assert Head.parse(begun.to_text()) == begun
    head = begun
    for number in range(11, 11 + MAX_REPLACED):
        head = replace(head, event_id=f"evt_{number}").begin_history([head])
    assert len(head.replaced) == MAX_REPLACED
    assert "ins_1" not in head.replaced


def test_a_log_that_was_never_restored_has_the_head_that_earlier_versions_read() -> None:
    """They refuse fields that they don't know."""
    assert "history" not in HEAD.to_text()
    assert "replaced" not in HEAD.to_text()
