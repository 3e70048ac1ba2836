"""Settings > API: the table of keys, and the recommendations above it."""

import html
import json
import re
from urllib.parse import urlencode

import pytest

from ari import keys
from ari.base.clock import DAY_MS
from ari.deps import Deps
from ari.keys import NewConsumer
from tests.support.commands import clock_of, create_key, revoke_key
from tests.support.page_client import PageClient, plain_text

HOME = "/settings?tab=api"


def test_every_short_address_leads_to_the_tab(browser: PageClient) -> None:
    """The tab is in the address, so that a bookmark keeps working when another tab comes first."""
    for short in ("/", "/settings"):
        assert browser.get(short).headers["location"] == HOME
    assert browser.another().get("/").headers["location"].startswith("/sign-in")


def test_without_keys_the_page_says_how_to_begin(browser: PageClient) -> None:
    """No empty table, no search over nothing."""
    response = browser.get(HOME)
    assert "<table" not in response.text
    assert "/settings/keys/new" in response.text


def test_the_table_finds_by_name_and_by_status(browser: PageClient) -> None:
    """Keys hidden by the search are counted, so that nobody takes the rows for all keys."""
    create_key(browser.instance, "Mobile App")
    revoke_key(browser.instance, create_key(browser.instance, "Old Script").key)
    found = {
        query: plain_text(browser.get(f"{HOME}{query}", hx_request="true").text)
        for query in ("", "&q=mobile", "&show=revoked")
    }
    assert ["Mobile App" in text for text in found.values()] == [True, True, False]
    assert ["Old Script" in text for text in found.values()] == [True, False, True]
    assert ["1 of 2 keys" in text for text in found.values()] == [False, True, True]
    assert "2 keys · 1 active" in found[""]


def test_htmx_gets_the_table_without_the_recommendations(browser: PageClient) -> None:
    """Refreshing every few seconds must neither move the page nor compute the advice again."""
    _create_yesterday(browser, "Mobile App")
    whole, part = browser.get(HOME).text, browser.get(HOME, hx_request="true").text
    assert "never expires" in plain_text(whole)
    assert "never expires" not in plain_text(part)
    assert "<html" not in part


def _create_yesterday(browser: PageClient, name: str) -> None:
    clock = clock_of(browser.instance)
    clock.step(-DAY_MS / 1000)
    create_key(browser.instance, name)
    clock.step(DAY_MS / 1000)


def test_a_page_has_as_many_keys_as_chosen(browser: PageClient) -> None:
    """The table offers other sizes once there are more keys than fit, and its links keep the size."""
    for number in range(21):
        create_key(browser.instance, f"Key {number}")
    small, large = browser.get(HOME).text, browser.get(f"{HOME}&size=50").text
    assert [page.count("data-row=") for page in (small, large)] == [20, 21]
    assert "Next 20" in small
    assert f'href="{html.escape(HOME)}&amp;size=50"' in small
    assert 'name="size" value="50"' in large


@pytest.mark.parametrize("query", ["?tab=other", "?tab=api&show=nonsense", "?tab=api&sort=secret", "?tab=api&after=1"])
def test_an_unknown_view_is_not_found(browser: PageClient, query: str) -> None:
    """A misspelled filter shows no other keys instead."""
    assert browser.get(f"/settings{query}").status == 404


def test_a_dismissed_recommendation_stays_away_until_something_changes(browser: PageClient) -> None:
    """It returns for another key; a form from before the change dismisses nothing."""
    _create_yesterday(browser, "Mobile App")
    page = browser.get(HOME).text
    kind = re.search(r'name="kind" value="([^"]+)"', page)
    mark = re.search(r'name="mark" value="([^"]+)"', page)
    assert kind
    assert mark
    fields = {"kind": kind[1], "mark": mark[1]}
    browser.assert_guarded("/settings/advice/dismiss", fields)
    assert "never expires" in plain_text(browser.get(HOME).text)
    assert browser.post("/settings/advice/dismiss", fields).headers["location"] == HOME
    assert (browser.toast or "").startswith("Dismissed.")
    assert "never expires" not in plain_text(browser.get(HOME).text)
    _create_yesterday(browser, "Billing")
    assert "“ Billing ” never expires" in plain_text(browser.get(HOME).text)
    browser.post("/settings/advice/dismiss", fields)
    assert (browser.toast or "").startswith("This changed in the meantime.")


def test_a_key_that_is_never_used_is_recommended_for_revocation(browser: PageClient) -> None:
    """After thirty days; not on the day of its creation."""
    create_key(browser.instance, "Forgotten", expires="1y")
    assert "has never been used" not in plain_text(browser.get(HOME).text)
    clock_of(browser.instance).advance(31 * 24 * 3600)
    assert "has never been used" in plain_text(browser.sign_in().get(HOME).text)


def test_the_table_and_the_api_find_the_same_keys(browser: PageClient) -> None:
    """For every filter alone and for all of them together, on every page of the table; the number of matches too."""
    deps = Deps(browser.instance)
    consumer = deps.do_sync(keys.create_consumer, NewConsumer("Acme", "acme.1")).id
    for number in range(45):
        environment = ("live", "test")[number % 2]
        tags = ("billing", f"n:{number % 3}")
        mine = "acme.1" if number % 5 else None
        create_key(browser.instance, f"k{number}", consumer=mine, tags=tags, environment=environment)
    ours = {"consumer": consumer, "tag": "n:1", "environment": "test", "show": "active", "q": "k"}
    for filters in ({}, ours, *({name: value} for name, value in ours.items()), {"consumer": "acme.1"}):
        api = {"text" if name == "q" else name: value for name, value in filters.items()}
        found = json.loads(browser.get(f"/api/keys?{urlencode({**api, 'limit': 100})}").text)
        url, shown = f"{HOME}&{urlencode(filters)}", list[str]()
        while url:
            page = browser.get(url).text
            shown += re.findall(r'data-row="([^"]+)"', page)
            assert not filters or f"{found['total']} of 45 keys" in plain_text(page)
            following = re.search(r'id="next-page" href="([^"]+)"', page)
            url = html.unescape(following[1]) if following else ""
        assert shown == [one["id"] for one in found["items"]], filters
        assert len(shown) == found["total"]


def test_a_filter_that_cannot_match_says_why(browser: PageClient) -> None:
    """An unknown consumer isn't an empty list; what was typed is escaped."""
    create_key(browser.instance, "Mobile App")
    for query, words in (
        ("consumer=nobody", "No such consumer."),
        ("tag=%3Cb%3E", "isn't a tag"),
        ("environment=x", "Use live or test."),
    ):
        page = browser.get(f"{HOME}&{query}").text
        assert words in plain_text(page)
        assert "<b>" not in page
        assert "data-row=" not in page
