"""Create API Key: the form, and the response that shows the secret once (security.md 31)."""

import re
from collections.abc import Sequence
from dataclasses import fields, replace
from html import unescape
from typing import Any

import pytest

from ari import keys
from ari.base.clock import DAY_MS
from ari.deps import Deps
from ari.keys import KindChange, NewConsumer, NewKey
from tests.support.commands import clock_of, create_key, delete_key, revoke_key
from tests.support.instances import START_MS
from tests.support.page_client import PageClient, field_errors, plain_text

NEW = "/settings/keys/new"
SECRET = re.compile(r"ari_[A-Za-z0-9_]{30,}")


def form_of(browser: PageClient, query: str = "") -> dict[str, str | Sequence[str]]:
    """The fields of a fresh form, filled in."""
    found = re.search(r'name="form" value="([^"]+)"', browser.get(f"{NEW}{query}").text)
    assert found
    return {"form": found[1], "name": "Mobile App", "expires": "90d", "access": "read-only"}


def read_fields(page: str) -> dict[str, str | Sequence[str]]:
    """The fields that a browser sends if nothing on the page is changed."""
    fields = dict(re.findall(r'<input (?!type="(?:radio|checkbox)")[^>]*?name="([^"]+)" value="([^"]*)"', page))
    fields |= dict(re.findall(r'<input type="(?:radio|checkbox)" name="([^"]+)" value="([^"]*)"[^>]* checked', page))
    fields |= dict(re.findall(r'<textarea [^>]*?name="([^"]+)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL))
    chosen = re.findall(r'<select [^>]*?name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL)
    fields |= {name: re.findall(r'value="([^"]*)" selected', options)[0] for name, options in chosen}
    return {name: unescape(value) for name, value in fields.items()}


def test_the_form_suggests_narrow_access_and_an_end(browser: PageClient) -> None:
    """Who only clicks through gets a key that can't change anything, and expires."""
    text = browser.get(NEW).text
    assert re.search(r'name="access" value="read-only" checked', text)
    assert re.search(r'name="expires" value="90d" checked', text)


def test_every_problem_is_shown_at_once(browser: PageClient) -> None:
    """Name, scopes, consumer and options in one round; nothing is created."""
    wrong = {"name": "", "access": "own", "consumer": "nobody", "tags": "No Tag!", "credits": "x"} | {
        "kind": "none",
        "day": "soon",
    }
    response = browser.post(NEW, form_of(browser) | wrong)
    assert response.status == 422
    assert {"name", "scopes", "consumer", "tags", "credits", "expires_at"} <= set(field_errors(response))
    assert browser.list_keys() == []


def test_the_secret_is_in_this_response_alone(browser: PageClient) -> None:
    """Neither the key's page nor the events have it, and no cache may keep the response."""
    response = browser.post(NEW, form_of(browser))
    assert response.status == 201
    found = set(SECRET.findall(response.text))
    (key,) = browser.list_keys()
    assert any(key.hint.startswith(one[:8]) for one in found)
    assert "no-store" in response.headers["cache-control"]
    for page in (f"/settings/keys/{key.id}", "/settings?tab=api"):
        assert not found & set(SECRET.findall(browser.get(page).text))


def test_the_key_is_what_the_form_said(browser: PageClient) -> None:
    """Name, scopes of the preset and lifetime; the owner is recorded as its creator."""
    browser.post(NEW, form_of(browser))
    (key,) = browser.list_keys()
    assert (key.name, key.scopes) == ("Mobile App", ("api:read", "keys:read", "usage:read"))
    assert key.expires_at_ms == START_MS + 90 * DAY_MS
    assert key.created_by.startswith("usr_")


def test_a_form_sent_twice_makes_one_key(browser: PageClient) -> None:
    """A double click or a reload shows which key it made, without its secret."""
    fields = form_of(browser)
    browser.post(NEW, fields)
    repeated = browser.post(NEW, fields)
    (key,) = browser.list_keys()
    assert repeated.status == 409
    assert "Key already created" in repeated.text
    assert key.id in repeated.text
    assert not SECRET.search(repeated.text)


def test_a_repeat_after_the_key_was_deleted_offers_no_link_to_it(browser: PageClient) -> None:
    """The page of a deleted key doesn't exist."""
    fields = form_of(browser)
    browser.post(NEW, fields)
    (key,) = browser.list_keys()
    revoke_key(browser.instance, key)
    delete_key(browser.instance, key)
    repeated = browser.post(NEW, fields)
    assert repeated.status == 409
    assert f"/settings/keys/{key.id}" not in repeated.text


def test_a_form_from_yesterday_is_shown_again(browser: PageClient) -> None:
    """ARI no longer knows whether it was used, so it asks; the fresh form then works."""
    fields = form_of(browser)
    clock_of(browser.instance).advance(13 * 3600)
    response = browser.sign_in().post(NEW, fields)
    assert (response.status, field_errors(response)) == (
        422,
        {"form": "This form has expired. Review it and submit again."},
    )
    assert browser.list_keys() == []
    assert browser.post(NEW, form_of(browser)).status == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"expires": "2 weeks"}, "expires"),
        ({"access": "no-such"}, "scopes"),
        ({"access": "ai-gateway"}, "ai"),
    ],
)
def test_wrong_input_is_a_message_at_its_field(browser: PageClient, change: dict[str, str], field: str) -> None:
    """Nothing is created, and the rest of the form is as it was typed."""
    response = browser.post(NEW, {**form_of(browser), **change})
    assert (response.status, list(field_errors(response))) == (422, [field])
    assert browser.list_keys() == []
    if field != "name":
        assert 'value="Mobile App"' in response.text


def test_a_key_for_the_gateway_may_use_the_selected_providers_only(browser: PageClient) -> None:
    """The scopes are written out; a provider that is added later is not included."""
    assert re.search(r'name="access" value="ai-gateway" checked', browser.get(f"{NEW}?ai=openai").text)
    browser.post(NEW, {**form_of(browser, "?ai=openai"), "access": "ai-gateway", "ai": ["openai", "mistral"]})
    assert [key.scopes for key in browser.list_keys()] == [("ai:mistral", "ai:openai")]


def test_replacing_a_key_copies_its_access_and_keeps_it_working(browser: PageClient) -> None:
    """Clients move over before the old key is revoked; the form can't name a key that isn't there."""
    old = create_key(browser.instance, "Billing", scopes=("keys:verify",)).key
    assert "It gets the same access as Billing" in plain_text(browser.get(f"{NEW}?like={old.id}").text)
    browser.post(NEW, {**form_of(browser, f"?like={old.id}"), "access": "same", "like": old.id})
    found = {key.name: key for key in browser.list_keys()}
    assert found["Mobile App"].scopes == ("keys:verify",)
    assert found["Billing"] == old
    assert browser.get(f"{NEW}?like=key_01J000000000000000000000ZZ").status == 404


def test_a_copy_of_a_key_has_everything_that_the_key_has(browser: PageClient) -> None:
    """Every property that a key can be created with, but its expiry; a new property fails here until it is copied."""
    deps = Deps(browser.instance)
    deps.do_sync(keys.add_kind, "acme-live", "acme_live_", KindChange())
    consumer = deps.do_sync(keys.create_consumer, NewConsumer("Research"))
    given: dict[str, Any] = {
        "name": "Billing",
        "scopes": ("ai:openai",),
        "limits": [{"name": "daily", "limit": 5, "window": "1d"}],
        "credits": {"amount": 7, "refill": {"amount": 9, "every": "month", "hour": 3, "time_zone": "Europe/Berlin"}},
        "environment": "test",
        "consumer": consumer.id,
        "tags": ("team-a",),
        "metadata": {"plan": "pro"},
        "addresses": ("203.0.113.0/24",),
        "kind": "acme-live",
        "may_rotate": True,
        "models": {"allow": ["openai/gpt-5*"], "deny": ["openai/gpt-5-pro"]},
        "budgets": [
            {"name": "monthly", "amount_usd": "25", "period": "month", "time_zone": "Europe/Berlin"},
            {"name": "burst", "amount_tokens": 5000, "period": "rolling", "window": "1h", "hard": False},
        ],
    }
    assert set(given) == {one.name for one in fields(NewKey)} - {"expires", "expires_at_ms"}
    old = create_key(browser.instance, **given).key
    form = read_fields(browser.get(f"{NEW}?like={old.id}").text)
    assert browser.post(NEW, form).status == 201
    (copy,) = [key for key in browser.list_keys() if key.id != old.id]
    own = ("id", "hint", "created_at_ms", "created_by", "expires_at_ms")
    assert copy == replace(old, **{name: getattr(copy, name) for name in own})


def test_budgets_of_a_new_key(browser: PageClient) -> None:
    """In the syntax of the command line; a wrong one is a message at its field, and the options stay open."""
    refused = browser.post(NEW, {**form_of(browser), "budgets": "25usd/month\n25"})
    assert (refused.status, list(field_errors(refused))) == (422, ["budgets"])
    assert field_errors(refused)["budgets"].startswith("Budget 2: ")
    assert '<details class="more-options" open>' in refused.text
    assert browser.post(NEW, {**form_of(browser), "budgets": "25usd/month Europe/Berlin"}).status == 201
    (key,) = browser.list_keys()
    (budget,) = key.policy.limits.budgets
    assert (budget.amount, budget.period, budget.time_zone) == (25_000_000, "month", "Europe/Berlin")


def test_a_name_that_says_nothing_gets_advice(browser: PageClient) -> None:
    """While it is typed; a descriptive name gets none."""
    advice = {name: browser.post(f"{NEW}/name", {"name": name}).text.strip() for name in ("my key", "Billing export")}
    assert "A more descriptive name" in advice["my key"]
    assert advice["Billing export"] == ""


def test_no_form_works_for_others(browser: PageClient) -> None:
    """Creating a key needs the owner's session and the page's token."""
    browser.assert_guarded(NEW, form_of(browser))
    assert browser.list_keys() == []


def test_a_password_from_long_ago_is_requested_again(browser: PageClient) -> None:
    """An open browser that someone finds makes no key (security.md 29)."""
    fields = form_of(browser)
    clock_of(browser.instance).advance(16 * 60)
    response = browser.post(NEW, fields)
    assert response.status == 403
    assert "Confirm it's you" in plain_text(response.text)
    assert browser.list_keys() == []
