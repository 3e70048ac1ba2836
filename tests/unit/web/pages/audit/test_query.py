"""The URL of the audit page: filters, days, and links that keep them."""

from ari.base.clock import DAY_MS
from ari.base.event_search import EventSearch
from ari.base.ids import new_id
from ari.web.pages.audit.query import parse_audit_query
from tests.support.instances import START_MS

BEFORE = new_id("evt", START_MS)


def test_a_query_is_a_search() -> None:
    """Blank fields of the form are no filters; days begin and end in the viewer's zone."""
    given = {"name": "signed_in", "q": " a ", "door": "", "from": "2027-01-31", "to": "2027-01-31", "x": "y"}
    query = parse_audit_query(given, "Europe/Berlin")
    search = query.search()
    assert (search.names, search.text, search.door) == (("signed_in",), "a", None)
    assert search.since_ms is not None
    assert search.until_ms == search.since_ms + DAY_MS
    assert search.since_ms % DAY_MS == DAY_MS - 3_600_000
    assert query.filters == {"name": "signed_in", "q": "a", "from": "2027-01-31", "to": "2027-01-31"}
    assert parse_audit_query({}, None).search() == EventSearch()


def test_filters_with_a_problem_are_left_out() -> None:
    """The page still shows events, and the message says what is wrong."""
    query = parse_audit_query({"door": "window", "from": "then", "to": "2027-01-31", "q": "a"}, None)
    assert query.problems.keys() == {"door", "from"}
    search = query.search()
    assert (search.door, search.since_ms, search.text) == (None, None, "a")
    assert search.until_ms is not None
    assert parse_audit_query({"from": "2027-02-01", "to": "2027-01-31"}, None).problems.keys() == {"to"}


def test_links_keep_the_filters() -> None:
    """A cursor that is no ID of an event is dropped."""
    query = parse_audit_query({"q": "a&b", "before": BEFORE}, None)
    assert query.newest() == "/settings/audit?q=a%26b"
    assert query.older("evt_1") == "/settings/audit?q=a%26b&before=evt_1"
    assert query.values["before"] == BEFORE
    assert "before" not in parse_audit_query({"before": "key_1"}, None).values


def test_rare_filters_are_noticed() -> None:
    """The page unfolds them only where one is set."""
    assert parse_audit_query({"actor": "usr_1"}, None).has_rare_filters
    assert not parse_audit_query({"q": "a"}, None).has_rare_filters
