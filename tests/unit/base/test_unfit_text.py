"""Texts of the log are those that every database and terminal takes."""

import pytest

from ari.base.unfit_text import replace_unfit


@pytest.mark.parametrize("text", ["", "a b", "~", "Ä…😀", "\ufffd"])
def test_usual_texts_stay(text: str) -> None:
    """Of any language."""
    assert replace_unfit(text) == text


@pytest.mark.parametrize("unfit", ["\0", "\n", "\x7f", "\x85", "\ud800", "\u202e", "\u2028", "\uffff"])
def test_unfit_characters_are_replaced(unfit: str) -> None:
    """Each by one, so that a text keeps its length."""
    assert replace_unfit(f"a{unfit}b") == "a\ufffdb"
