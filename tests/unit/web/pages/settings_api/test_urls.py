"""URLs of Settings > API, and the view of its table that a URL asks for."""

from urllib.parse import parse_qs, urlsplit

import pytest

from ari.keys.listing import Cursor
from ari.usage.reports.listing import LONGEST_TEXT, Sort
from ari.web.pages.settings_api.urls import HOME, KeysView, parse_view, table
from ari.web.urls import return_url
from tests.support.usage import KEY

VIEWS = [
    KeysView(),
    KeysView("a&b=c #é", "unused", sort=Sort("used", descending=False), after=Cursor(1_800_000_000_000, KEY)),
    KeysView(show="active", sort=Sort("name", descending=False), after=Cursor(None, KEY)),
    KeysView("a", "soon", "x.1 é", "t:&", "test", "acme-live", Sort("name"), 100, Cursor(None, KEY)),
]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_survives_its_url(view: KeysView) -> None:
    """Sharing or reloading the address shows the same table, and a form may lead back to it."""
    url = table(view)
    query = {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}
    assert parse_view(query) == view
    assert return_url(url) == url


def test_the_usual_view_has_the_short_address() -> None:
    """The tab's own link is the address of its first page."""
    assert table(KeysView()) == HOME


@pytest.mark.parametrize(
    ("show", "sort", "after"),
    [("nonsense", "", ""), ("", "secret", ""), ("", "", "1.key_1"), ("", "", KEY), ("", "", f"x.{KEY}")],
)
def test_an_unknown_view_is_none(show: str, sort: str, after: str) -> None:
    """A misspelled filter is not found, instead of showing keys that the filter would hide."""
    assert parse_view({"show": show, "sort": sort, "after": after}) is None


@pytest.mark.parametrize("size", ["0", "21", "-20", "020", "1000000", "x"])
def test_a_page_has_an_offered_size(size: str) -> None:
    """Nobody asks for a page that costs a million rows."""
    assert parse_view({"size": size}) is None


def test_a_search_is_cleaned_and_cut() -> None:
    """Control characters can't be searched for, and a long text costs no more than a short one."""
    view = parse_view({"q": "  a\x00b\u202e  " + "x" * 500, "consumer": "x" * 500})
    assert view is not None
    assert view.text.startswith("ab")
    assert (len(view.text), len(view.consumer)) == (LONGEST_TEXT, 200)


def test_a_header_sorts_the_useful_way_first_and_then_turns() -> None:
    """Newest and most used on top, names from A; another order begins at its first page."""
    view = KeysView("app", "active", after=Cursor(None, KEY))
    by_use = view.sort_by("used")
    assert (str(by_use.sort), str(by_use.sort_by("used").sort)) == ("-used", "used")
    assert str(view.sort_by("name").sort) == "name"
    assert (by_use.text, by_use.show, by_use.after) == ("app", "active", None)
    assert view.from_place(None) == KeysView("app", "active")
