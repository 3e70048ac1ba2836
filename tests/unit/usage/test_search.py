"""What may be searched for."""

import pytest

from ari.base.clock import DAY_MS
from ari.base.errors import Invalid
from ari.usage.addresses import new_addresses
from ari.usage.model import KeyClient, UsageFilter
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


def test_a_new_address_is_one_that_an_old_key_did_not_use_before() -> None:
    """Not those of its first day, not those of long ago, not what is not told apart; the newest first."""
    now_ms = 100 * DAY_MS

    def seen(value: str, days_ago: float) -> KeyClient:
        return KeyClient(value, 1, 0, round(now_ms - days_ago * DAY_MS), now_ms)

    all_seen = [seen("a", 30), seen("b", 5), seen("c", 6.9), seen("d", 7.1), seen("other", 1)]
    assert [one.value for one in new_addresses(all_seen, round(now_ms - 30 * DAY_MS), now_ms)] == ["b", "c"]
    assert new_addresses(all_seen[1:3], round(now_ms - 5.5 * DAY_MS), now_ms) == []
    assert new_addresses(all_seen, None, now_ms) == []
