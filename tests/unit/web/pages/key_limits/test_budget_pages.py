"""The form for a key's budgets, and what the key's page shows of them."""

import re

import pytest

from ari.deps import Deps
from ari.keys import NewConsumer, create_consumer
from ari.keys.limits.rules import Budget
from ari.keys.model import ApiKey
from ari.usage.ports import Batch
from tests.support.commands import create_key, revoke_key
from tests.support.page_client import PageClient, field_errors, plain_text
from tests.support.usage import make_ai_use, make_row

MONTHLY = {"name": "monthly", "amount_usd": "25.00", "period": "month", "time_zone": "Europe/Berlin"}
BURST = {"name": "burst", "amount_tokens": 5_000, "period": "rolling", "window": "1h", "hard": False}


@pytest.fixture
def key(browser: PageClient) -> ApiKey:
    """An active key with a hard budget of money and a soft one of tokens."""
    return create_key(browser.instance, "Support bot", budgets=[MONTHLY, BURST]).key


def list_budgets(browser: PageClient, key: ApiKey) -> tuple[Budget, ...]:
    found = browser.read(lambda tx: tx.keys.get(key.id))
    assert found is not None
    return found.policy.limits.budgets


def test_the_keys_page_shows_what_is_left(browser: PageClient, key: ApiKey) -> None:
    """With the limit, the period and its end, in the part that refreshes."""
    for page in (
        browser.get(f"/settings/keys/{key.id}"),
        browser.get(f"/settings/keys/{key.id}?part=side", hx_request="1"),
    ):
        text = " ".join(plain_text(page.text).split())
        assert "monthly $25.00 left $0.00 of $25.00 used per month; hard. Starts again in" in text
        assert "burst 5,000 tokens left 0 of 5,000 used per hour; soft." in text
    other = create_key(browser.instance, "No budget").key
    assert "no budget of their own" in browser.get(f"/settings/keys/{other.id}").text


def test_saving_the_form_unchanged_changes_nothing(browser: PageClient, key: ApiKey) -> None:
    """The form has every budget with its time zone and period."""
    url = f"/settings/keys/{key.id}/budgets"
    lines = "monthly=25.00usd/month Europe/Berlin\nburst=5000tokens/1h?"
    assert lines in browser.get(url).text
    assert browser.post(url, {"budgets": lines}).status == 303
    assert list_budgets(browser, key) == key.policy.limits.budgets


def test_budgets_are_added_changed_and_removed(browser: PageClient, key: ApiKey) -> None:
    """The new list replaces the old one."""
    url = f"/settings/keys/{key.id}/budgets"
    assert browser.post(url, {"budgets": " monthly=30usd/month  Europe/Berlin \r\n\r\n7usd/total"}).status == 303
    assert browser.toast == "Budgets updated. They apply from the next request."
    found = [(one.name, one.amount, one.period, one.time_zone) for one in list_budgets(browser, key)]
    assert found == [("monthly", 30_000_000, "month", "Europe/Berlin"), ("default", 7_000_000, "total", "UTC")]
    assert browser.post(url, {"budgets": ""}).status == 303
    assert list_budgets(browser, key) == ()


@pytest.mark.parametrize(
    "sent", ["25", "25eur/month", "0usd/month", "5usd/99d", "5usd/day Mars/Base", "5usd/day\n6usd/day"]
)
def test_wrong_budgets_are_explained(browser: PageClient, key: ApiKey, sent: str) -> None:
    """At the list, with the number of the budget; nothing changes."""
    answer = browser.post(f"/settings/keys/{key.id}/budgets", {"budgets": sent})
    assert answer.status == 422
    assert re.match(r"Budget [12]: .", field_errors(answer)["budgets"])
    assert sent in answer.text
    assert list_budgets(browser, key) == key.policy.limits.budgets


def test_a_budget_is_increased_once(browser: PageClient, key: ApiKey) -> None:
    """In its own unit; a form that is sent twice increases once."""
    url = f"/settings/keys/{key.id}/budgets"
    sent = {"budget": "monthly", "amount": "10.50", "form": read_form_id(browser, url)}
    assert browser.post(f"{url}/increase", sent).status == 303
    assert browser.toast == "Budget increased."
    assert browser.post(f"{url}/increase", sent).status == 422
    tokens = {"budget": "burst", "amount": "300", "form": read_form_id(browser, url)}
    assert browser.post(f"{url}/increase", tokens).status == 303
    now_ms = browser.instance.now_ms()
    assert [one.find_limit(now_ms) for one in list_budgets(browser, key)] == [35_500_000, 5_300]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"budget": "monthly", "amount": "10 EUR"}, "amount"),
        ({"budget": "monthly", "amount": ""}, "amount"),
        ({"budget": "burst", "amount": "1.5"}, "amount"),
        ({"budget": "gone", "amount": "1"}, "budget"),
    ],
)
def test_wrong_increases_are_explained(browser: PageClient, key: ApiKey, sent: dict[str, str], field: str) -> None:
    """At their field."""
    url = f"/settings/keys/{key.id}/budgets"
    answer = browser.post(f"{url}/increase", sent | {"form": read_form_id(browser, url)})
    assert (answer.status, list(field_errors(answer))) == (422, [field])
    assert list_budgets(browser, key) == key.policy.limits.budgets


def test_too_many_increases_are_refused(browser: PageClient, key: ApiKey) -> None:
    """Next to the amount."""
    url = f"/settings/keys/{key.id}/budgets"
    for _ in range(20):
        sent = {"budget": "monthly", "amount": "1", "form": read_form_id(browser, url)}
        assert browser.post(f"{url}/increase", sent).status == 303
    answer = browser.post(f"{url}/increase", sent | {"form": read_form_id(browser, url)})
    assert (answer.status, list(field_errors(answer))) == (409, ["amount"])


def test_a_reset_asks_first(browser: PageClient, key: ApiKey) -> None:
    """For every owner of budgets: the page says whose they are, and nothing is reset until it is confirmed."""
    consumer = Deps(browser.instance).do_sync(create_consumer, NewConsumer("Research"))
    owners = {
        f"/settings/keys/{key.id}/budgets": "Support bot",
        f"/settings/consumers/{consumer.id}/budgets": "Research",
        "/settings/usage/budgets/instance": "This instance",
        "/settings/usage/budgets/providers/openai": "OpenAI",
    }
    for url, name in owners.items():
        assert browser.post(url, {"budgets": "monthly=25usd/month"}).status == 303
        form = browser.get(url).text
        assert f'href="{url}/reset"' in form
        assert f'action="{url}/reset"' not in form
        before = list_budgets(browser, key)
        asked = browser.get(f"{url}/reset")
        assert f'action="{url}/reset"' in asked.text
        assert f"Reset these budgets? {name}" in " ".join(plain_text(asked.text).split())
        assert list_budgets(browser, key) == before


def test_budgets_are_reset(browser: PageClient, key: ApiKey) -> None:
    """Everything counts from nothing."""
    assert browser.post(f"/settings/keys/{key.id}/budgets/reset", {}).status == 303
    assert all(one.epoch > 0 for one in list_budgets(browser, key))


def test_an_inactive_key_has_no_form(browser: PageClient, key: ApiKey) -> None:
    """It stays as it was."""
    revoke_key(browser.instance, key)
    url = f"/settings/keys/{key.id}/budgets"
    sent = {"budgets": "", "budget": "monthly", "amount": "1"}
    answers = [browser.get(url), *(browser.post(f"{url}{path}", sent) for path in ("", "/increase", "/reset"))]
    assert [one.status for one in answers] == [409] * 4


def read_form_id(browser: PageClient, url: str) -> str:
    return str(re.findall(r'name="form" value="([^"]+)"', browser.get(url).text)[0])


def test_the_form_names_models_without_a_price(browser: PageClient, key: ApiKey) -> None:
    """Those that a hard budget in money would refuse; the forms for new owners say that it does."""
    url = f"/settings/keys/{key.id}/budgets"
    sentence = "Hard budgets in US dollars refuse models without a known price."
    text = " ".join(plain_text(browser.get(url).text).split())
    assert sentence in text
    assert "Used in the last 30 days" not in text
    row = make_row(browser.instance.now_ms(), key_id=key.id)
    use = make_ai_use(row.id, at_ms=row.at_ms, key_id=key.id, model="our-own-model")
    browser.instance.database.usage.commit(Batch([row], completions=[use]))
    browser.instance.database.usage.fold_all()
    page = browser.get(url).text
    assert f"{sentence} Used in the last 30 days: <code>openai/our-own-model</code>." in page
    for place in ("/settings/consumers/new", "/settings/keys/new", "/settings/kinds/new"):
        assert "refuses models without a known price" in browser.get(place).text, place
