"""The forms for the budgets of the instance and of its providers."""

import re

import pytest

from ari.integrations.ai_rules.change_budgets import get_budgets
from ari.keys.limits.rules import LimitRules
from tests.support.commands import clock_of
from tests.support.page_client import PageClient, field_errors, plain_text

PAGE = "/settings/usage/budgets"
INSTANCE, PROVIDERS, OPENAI = f"{PAGE}/instance", f"{PAGE}/providers", f"{PAGE}/providers/openai"


def read(browser: PageClient, provider: str | None = None) -> LimitRules:
    rules = browser.read(get_budgets)
    return rules.instance if provider is None else rules.providers.get(provider, LimitRules())


def read_form_id(browser: PageClient, url: str) -> str:
    return str(re.findall(r'name="form" value="([^"]+)"', browser.get(url).text)[0])


def test_a_budget_of_the_instance_is_set_increased_and_reset(browser: PageClient) -> None:
    """Each is an event, and the form has what was set."""
    assert browser.post(INSTANCE, {"budgets": "company=1000usd/month Europe/Berlin"}).status == 303
    assert browser.toast == "Budgets updated. They apply from the next request."
    assert "company=1000.00usd/month Europe/Berlin" in browser.get(INSTANCE).text
    sent = {"budget": "company", "amount": "50", "form": read_form_id(browser, INSTANCE)}
    assert browser.post(f"{INSTANCE}/increase", sent).status == 303
    assert browser.post(f"{INSTANCE}/increase", sent).status == 422
    [budget] = read(browser).budgets
    assert budget.find_limit(browser.instance.now_ms()) == 1_050_000_000
    assert browser.post(f"{INSTANCE}/reset", {}).status == 303
    assert read(browser).budgets[0].epoch > budget.epoch
    assert browser.events().count("ai_budgets_changed") == 3
    assert "company Change budgets of This instance $1,050.00 left" in " ".join(
        plain_text(browser.get(PAGE).text).split()
    )


def test_a_provider_gets_its_first_budget_by_choice(browser: PageClient) -> None:
    """Then it has a form of its own, and no longer is a choice; other providers keep theirs."""
    assert '<option value="openai">OpenAI</option>' in browser.get(PROVIDERS).text
    for provider in ("openai", "anthropic"):
        sent = {"provider": provider, "budgets": "200usd/month"}
        answer = browser.post(PROVIDERS, sent)
        assert (answer.status, answer.headers["location"]) == (303, PAGE)
    assert '<option value="openai"' not in browser.get(PROVIDERS).text
    assert f'href="{OPENAI}"' in browser.get(PAGE).text
    assert browser.post(OPENAI, {"budgets": "5usd/day\ntokens=100tokens/1h?"}).status == 303
    assert [one.amount for one in read(browser, "openai").budgets] == [5_000_000, 100]
    assert [one.amount for one in read(browser, "anthropic").budgets] == [200_000_000]
    assert browser.post(OPENAI, {"budgets": ""}).status == 303
    assert read(browser, "openai").budgets == ()
    assert '<option value="openai"' in browser.get(PROVIDERS).text


@pytest.mark.parametrize(
    ("sent", "fields"),
    [
        ({"provider": "openai", "budgets": ""}, ["budgets"]),
        ({"provider": "openai", "budgets": "25"}, ["budgets"]),
        ({"provider": "nobody", "budgets": "25usd/month"}, ["provider"]),
        ({"provider": "resend", "budgets": "25usd/month"}, ["provider"]),
        ({}, ["budgets", "provider"]),
    ],
)
def test_a_wrong_choice_is_explained(browser: PageClient, sent: dict[str, str], fields: list[str]) -> None:
    """At its field; nothing changes."""
    answer = browser.post(PROVIDERS, sent)
    assert (answer.status, sorted(field_errors(answer))) == (422, fields)
    assert browser.read(get_budgets).providers == {}


def test_wrong_budgets_are_explained(browser: PageClient) -> None:
    """With the number of the budget."""
    answer = browser.post(INSTANCE, {"budgets": "5usd/day\n25eur/month"})
    assert answer.status == 422
    assert field_errors(answer)["budgets"].startswith("Budget 2: ")
    assert read(browser).budgets == ()


def test_an_unknown_provider_has_no_form(browser: PageClient) -> None:
    """Neither has one that is not for AI."""
    for name in ("nobody", "resend"):
        assert browser.get(f"{PROVIDERS}/{name}").status == 404
        assert browser.post(f"{PROVIDERS}/{name}", {"budgets": "5usd/day"}).status == 404


def test_the_forms_need_a_session_its_token_and_a_recent_password(browser: PageClient) -> None:
    """Budgets bind everyone, so the password is required again."""
    for url in (INSTANCE, OPENAI):
        browser.assert_guarded(url, {"budgets": "5usd/day"})
    clock_of(browser.instance).advance(16 * 60)
    for url in (INSTANCE, OPENAI):
        assert browser.post(url, {"budgets": "5usd/day"}).status == 403
    assert browser.read(get_budgets).list_all() == ()
