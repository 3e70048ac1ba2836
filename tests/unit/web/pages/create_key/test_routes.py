"""Create API Key: the form, and the response that shows the secret once (security.md 31)."""

import re
from collections.abc import Sequence

import pytest

from ari.base.clock import DAY_MS
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
