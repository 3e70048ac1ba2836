"""The span of time and the filters in the URL of a usage page."""

from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.requests import Request

from ari.base.clock import DAY_MS
from ari.base.ids import new_id
from ari.usage.model import ROW_KIND
from ari.web.usage_query import UsageQuery, parse_usage_query
from tests.support.asgi import scope_of
from tests.support.instances import START_MS

PAGE = "/settings/usage"
ROW = new_id(ROW_KIND, START_MS)


def query(text: str, zone: str | None = None) -> UsageQuery:
    """The query that the page reads from this query string, in a browser of this time zone."""
    cookie = [] if zone is None else [(b"cookie", f"ari_zone={zone}".encode())]
    request = Request(scope_of("GET", f"{PAGE}?{text}".encode(), cookie))
    return parse_usage_query(request, START_MS, PAGE)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("range=8d", "range"),
        ("status=9xx", "status"),
        ("method=FETCH", "method"),
        ("code=nonsense", "code"),
        (f"q={'x' * 201}", "q"),
        ("from=2026-02-30", "from"),
    ],
)
def test_a_wrong_parameter_is_a_message_at_its_field(text: str, field: str) -> None:
    """The page is still shown, over the usual span, and searches without the wrong filter."""
    found = query(text)
    assert list(found.problems) == [field]
    assert found.span.name == "7d"
    search = found.search(None)
    assert (search.method, search.status, search.text, search.where.code) == (None, None, None, None)


def test_dates_are_days_of_the_viewers_zone() -> None:
    """Both days are whole; what the form shows again are the same days."""
    found = query("from=2027-01-10&to=2027-01-11", "Europe/Berlin")
    assert (found.span.name, found.span.zone, found.problems) == ("custom", "Europe/Berlin", {})
    assert found.span.until_ms - found.span.since_ms == 2 * DAY_MS
    assert (found.first_day, found.last_day) == ("2027-01-10", "2027-01-11")
    assert query("range=7d", "Nowhere/At-All").span.zone == "UTC"


def test_only_the_newest_rows_are_live() -> None:
    """Older pages and past days do not change under the reader."""
    assert query("range=7d&status=4xx").is_live
    assert not query(f"before={ROW}").is_live
    assert not query("from=2027-01-10").is_live
    assert query("before=key_nonsense").is_live


def test_links_keep_the_filters_and_drop_what_no_longer_fits() -> None:
    """Another span starts at its newest rows; another page keeps the span and the filters."""
    found = query(f"from=2027-01-10&to=2027-01-11&per=hour&status=404&before={ROW}&evil=1")
    assert parameters(found.with_range("30d")) == {"range": "30d", "status": "404"}
    assert parameters(found.older("usg_1"))["before"] == "usg_1"
    assert set(parameters(found.newest())) == {"from", "to", "per", "status"}
    assert set(parameters(found.without_filters())) == {"from", "to", "per"}
    assert found.list_hidden_fields("status") == {"from": "2027-01-10", "to": "2027-01-11", "per": "hour"}


def test_a_preset_has_no_end_so_that_new_rows_are_found() -> None:
    """The live page shows requests of this very second; a custom span ends with its last day."""
    assert query("range=24h").search("key_1").where.until_ms is None
    custom = query("from=2027-01-10&to=2027-01-10")
    assert custom.search("key_1").where.until_ms == custom.span.until_ms


def parameters(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    assert parts.path == PAGE
    return {name: value for name, (value,) in parse_qs(parts.query).items()}
