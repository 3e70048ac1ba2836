"""Signed statements about the audit log."""

import os
from dataclasses import replace

import pytest

from ari.base.audit import FIRST, Cut, Head, Mark
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
