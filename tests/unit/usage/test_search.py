"""What may be searched for."""

import pytest

from ari.base.errors import Invalid
from ari.usage.model import UsageFilter
from ari.usage.search import StatusRange, UsageSearch, method_of, text_of


def test_statuses() -> None:
    """One, a class, or no answer yet."""
    assert StatusRange.parse("404") == StatusRange(404, 404)
    assert StatusRange.parse("4xx") == StatusRange(400, 499)
    assert StatusRange.parse("none") == StatusRange(None, None)


@pytest.mark.parametrize("text", ["", "4", "4XX", "600", "099", "0xx", "9xx", "٤٠٤", "4x4", "200 "])
def test_bad_statuses_are_refused(text: str) -> None:
    """In a sentence that says what to give."""
    with pytest.raises(Invalid, match="404"):
        StatusRange.parse(text)


def test_methods_and_texts() -> None:
    """Methods in any case; a text of nothing is none, a long one is refused."""
    assert method_of("post") == "POST"
    with pytest.raises(Invalid):
        method_of("BREW")
    assert text_of("  curl ") == "curl"
    assert text_of(" \0 ") is None
    with pytest.raises(Invalid):
        text_of("x" * 201)


def test_only_filters_without_an_index_need_a_look() -> None:
    """A page by key, code and time is read from an index as it is."""
    assert not UsageSearch(UsageFilter("key_1", "ok", 1, 2)).reads_rows
    assert UsageSearch(text="a").reads_rows
    assert UsageSearch(status=StatusRange(None, None)).reads_rows
    assert UsageSearch(method="GET").reads_rows
