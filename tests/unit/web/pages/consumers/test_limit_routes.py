"""The limits that a consumer's keys share, on its pages: set with it, changed, reset and topped up."""

import html
import re

import pytest

from ari.deps import Deps
from ari.keys import NewConsumer, create_consumer
from ari.keys.model import Consumer
from tests.support.commands import create_key
from tests.support.page_client import PageClient, field_errors

CONSUMERS = "/settings/consumers"


@pytest.fixture
def consumer(browser: PageClient) -> Consumer:
    """One with a limit and credits."""
    minute = {"name": "default", "limit": 100, "window": "1m"}
    new = NewConsumer("Acme", "acme", limits=[minute], credits={"amount": 1_000})
    return Deps(browser.instance).do_sync(create_consumer, new)


def get_consumer(browser: PageClient, consumer: Consumer) -> Consumer:
    found = browser.read(lambda tx: tx.consumers.get(consumer.id))
    assert found is not None
    return found


def test_its_page_shows_what_remains(browser: PageClient, consumer: Consumer) -> None:
    """Live, in a part that refreshes alone; a consumer without limits says so."""
    url = f"{CONSUMERS}/{consumer.id}"
    assert "100 of 100 left per minute" in browser.get(url).text
    part = browser.get(f"{url}?part=limits", hx_request="1").text
    assert ("1,000 left" in part, "<h1" in part) == (True, False)
    browser.post(f"{url}/limits", {"limits": "", "remove": "yes"})
    assert "None. Its keys have only their own limits." in browser.get(url).text


def test_they_are_set_changed_reset_and_topped_up(browser: PageClient, consumer: Consumer) -> None:
    """As for a key, with the same form; credits are added once for each form."""
    url = f"{CONSUMERS}/{consumer.id}"
    form = browser.get(f"{url}/limits").text
    assert "All keys of this consumer share these limits" in form
    sent = {"limits": "200/1m", "credits": "", "refill": "50/day", "hour": "3", "time_zone": "Europe/Berlin"}
    assert browser.post(f"{url}/limits", sent).headers["location"] == url
    rules = get_consumer(browser, consumer).policy.limits
    assert rules.limits[0].limit == 200
    assert rules.credits is not None
    assert rules.credits.refill is not None
    assert (rules.credits.granted, rules.credits.refill.time_zone) == (1_000, "Europe/Berlin")
    top_up = {"amount": "500", "form": re.findall(r'name="form" value="([^"]+)"', form)[0]}
    assert [browser.post(f"{url}/credits", top_up).status for _ in range(2)] == [303, 422]
    assert browser.post(f"{url}/limits/reset").status == 303
    after = get_consumer(browser, consumer).policy.limits
    assert (after.credits and after.credits.granted, after.limits[0].epoch > rules.limits[0].epoch) == (1_500, True)
    events = ("consumer_limits_changed", "consumer_credits_changed", "consumer_credits_added", "consumer_limits_reset")
    assert set(events) <= set(browser.events())
    assert list(field_errors(browser.post(f"{url}/limits", {"limits": "5/99d"}))) == ["limits"]
    assert get_consumer(browser, consumer).policy.limits == after


def test_a_new_consumer_can_have_them(browser: PageClient) -> None:
    """Mistakes come back open, with all other problems."""
    wrong = browser.post(f"{CONSUMERS}/new", {"name": "Acme", "limits": "100", "metadata": "x"})
    assert sorted(field_errors(wrong)) == ["limits", "metadata"]
    assert '<details class="more-options" open>' in wrong.text
    url = browser.post(f"{CONSUMERS}/new", {"name": "Acme", "limits": "100/1m", "credits": "5"}).headers["location"]
    assert "100 of 100 left per minute" in browser.get(url).text


def test_only_the_owners_own_forms_change_them(browser: PageClient, consumer: Consumer) -> None:
    """Forged forms and strangers change nothing; another text than an ID finds nothing."""
    url = f"{CONSUMERS}/{consumer.id}"
    for path, fields in (("limits", {"limits": ""}), ("limits/reset", {}), ("credits", {"amount": "5"})):
        browser.assert_guarded(f"{url}/{path}", fields)
    assert get_consumer(browser, consumer) == consumer
    assert browser.get(f"{CONSUMERS}/acme/limits").status == 404


def test_a_copy_of_a_key_keeps_the_time_of_its_refill(browser: PageClient) -> None:
    """The form for a copy has the hour and the time zone."""
    refill = {"amount": 50, "every": "day", "hour": 5, "time_zone": "Asia/Tokyo"}
    key = create_key(browser.instance, "Original", credits={"amount": 7, "refill": refill}).key
    form = browser.get(f"/settings/keys/new?like={key.id}").text
    assert re.search(r'name="hour" value="5"', form)
    assert re.search(r'name="time_zone" value="Asia/Tokyo"', form)


def test_budgets_are_set_increased_and_shown(browser: PageClient, consumer: Consumer) -> None:
    """In a part that refreshes alone, and on the pages of its keys."""
    url = f"{CONSUMERS}/{consumer.id}"
    assert "only the keys' own budgets" in html.unescape(browser.get(url).text)
    assert browser.post(f"{url}/budgets", {"budgets": "team=100usd/month"}).status == 303
    form_id = re.findall(r'name="form" value="([^"]+)"', browser.get(f"{url}/budgets").text)[0]
    assert browser.post(f"{url}/budgets/increase", {"budget": "team", "amount": "20", "form": form_id}).status == 303
    part = browser.get(f"{url}?part=budgets", hx_request="1").text
    assert ("$120.00" in part, "<h1" in part) == (True, False)
    key = create_key(browser.instance, "Of Acme", consumer=consumer.id).key
    assert "consumer:team" in browser.get(f"/settings/keys/{key.id}").text
    assert browser.post(f"{url}/budgets/reset", {}).status == 303
    assert [name for name in browser.events() if name.startswith("consumer_budget")] == [
        "consumer_budgets_reset",
        "consumer_budget_increased",
        "consumer_budgets_changed",
    ]
