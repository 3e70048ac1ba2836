"""The texts that may be searched for."""

import pytest

from ari.base.errors import Invalid
from ari.usage.model import UsageFilter
from ari.usage.search import StatusRange, UsageSearch, addresses_of, method_of, parse_search, text_of


def test_statuses() -> None:
    """One, a class, or no response yet."""
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
    assert text_of("  ") is None
    assert text_of("a\0b\ud800") == "a\ufffdb\ufffd", "as the log has it"
    with pytest.raises(Invalid):
        method_of("po\u017ft")
    with pytest.raises(Invalid):
        text_of("x" * 201)


def test_only_filters_without_an_index_need_a_look() -> None:
    """A page by key, code and time is read from an index as it is."""
    assert not UsageSearch(UsageFilter("key_1", "ok", 1, 2)).reads_rows
    assert UsageSearch(text="a").reads_rows
    assert UsageSearch(status=StatusRange(None, None)).reads_rows
    assert UsageSearch(method="GET").reads_rows


def test_an_address_is_found_in_each_form_that_the_log_may_hold() -> None:
    """Its canonical text, and the network that is kept instead of it; a network is found as itself."""
    assert addresses_of(" ::ffff:192.0.2.7 ") == ("192.0.2.7", "192.0.2.0/24")
    assert addresses_of("2001:DB8:0::1%eth0") == ("2001:db8::1", "2001:db8::/48")
    assert addresses_of("192.0.2.0/24") == ("192.0.2.0/24",)
    with pytest.raises(Invalid):
        addresses_of("example.net")


def test_every_bad_filter_is_reported() -> None:
    """A caller sees all mistakes at once, each at its parameter."""
    bad = {"code": "x", "status": "x", "method": "x", "address": "x", "source": "x", "q": "x" * 201}
    with pytest.raises(Invalid) as refused:
        parse_search(bad)
    assert [problem.location for problem in refused.value.problems] == list(bad)
    found = parse_search({"source": "verify", "q": None}, "key_1", 1, 2)
    assert found == UsageSearch(UsageFilter("key_1", None, 1, 2), source="verify")
    assert found.reads_rows
