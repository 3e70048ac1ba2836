"""Changing a key from the table: name in place, access, expiry, on and off."""

import json

import pytest

from ari.base.clock import DAY_MS
from ari.keys.model import ApiKey
from tests.support.commands import create_key, revoke_key
from tests.support.instances import START_MS
from tests.support.page_client import PageClient, field_errors


@pytest.fixture
def key(browser: PageClient) -> ApiKey:
    """An active key that expires in 30 days."""
    return create_key(browser.instance, "Mobile App", scopes=("api:read",), expires="30d").key


def get_key(browser: PageClient, key: ApiKey) -> ApiKey:
    found = browser.read(lambda tx: tx.keys.get(key.id))
    assert found is not None
    return found


def test_the_menu_offers_what_the_key_allows(browser: PageClient, key: ApiKey) -> None:
    """Part of the table with scripting, a page without; an inactive key can only be opened."""
    whole, part = (
        browser.get(f"/settings/keys/{key.id}/menu"),
        browser.get(f"/settings/keys/{key.id}/menu", hx_request="1"),
    )
    for response in (whole, part):
        assert "Change access" in response.text
        assert "Disable" in response.text
    assert "<html" not in part.text
    revoke_key(browser.instance, key)
    assert "Change access" not in browser.get(f"/settings/keys/{key.id}/menu").text


def test_renaming_in_place_swaps_the_name_and_announces_it(browser: PageClient, key: ApiKey) -> None:
    """The script shows the message and refreshes the row by the key's ID."""
    place = f"/settings/keys/{key.id}/name"
    assert 'value="Mobile App"' in browser.get(place, hx_request="true").text
    response = browser.post(place, {"name": "Billing"}, hx_request="true")
    assert "Billing" in response.text
    assert json.loads(response.headers["hx-trigger"]) == {"ari:done": {"text": "Key renamed.", "key": key.id}}
    assert "<input" not in browser.get(f"{place}?shown=yes", hx_request="true").text


def test_renaming_without_scripting_is_a_page(browser: PageClient, key: ApiKey) -> None:
    """The link of the menu leads to the form on the key's page."""
    place = f"/settings/keys/{key.id}/name"
    assert browser.get(place).headers["location"] == f"/settings/keys/{key.id}/rename"
    assert browser.post(place, {"name": "Billing"}).headers["location"] == "/settings?tab=api"
    assert browser.toast == "Key renamed."


def test_a_wrong_name_in_place_keeps_the_field_open(browser: PageClient, key: ApiKey) -> None:
    """The message is at the field, and the name as it was."""
    response = browser.post(f"/settings/keys/{key.id}/name", {"name": " "}, hx_request="true")
    assert (response.status, field_errors(response)) == (422, {"name": "Enter a name that says what uses the key."})
    assert get_key(browser, key).name == "Mobile App"


def test_enabling_in_the_table_does_not_leave_it(browser: PageClient, key: ApiKey) -> None:
    """Two tabs that both enable leave the key enabled; without scripting, the table is shown again."""
    page = f"/settings/keys/{key.id}"
    browser.post(f"{page}/disable")
    assert f'action="{page}/enable-in-table"' in browser.get(f"{page}/menu").text
    for _ in range(2):
        response = browser.post(f"{page}/enable-in-table", hx_request="true")
        assert response.status == 204
        assert json.loads(response.headers["hx-trigger"])["ari:done"]["text"] == "Key enabled."
        assert not get_key(browser, key).disabled
    assert browser.post(f"{page}/enable-in-table").headers["location"] == "/settings?tab=api"


def test_access_opens_on_the_preset_and_replaces_every_scope(browser: PageClient, key: ApiKey) -> None:
    """Unchecked scopes are removed."""
    place = f"/settings/keys/{key.id}/access"
    assert 'value="standard" checked' in browser.get(place).text
    response = browser.post(place, {"access": "own", "scope": ["keys:read", "usage:read"]})
    assert response.headers["location"] == f"/settings/keys/{key.id}"
    assert browser.toast == "Access updated. Takes effect on the next request."
    assert get_key(browser, key).scopes == ("keys:read", "usage:read")
    assert 'value="own" checked' in browser.get(place).text


def test_access_without_scopes_is_refused_at_its_field(browser: PageClient, key: ApiKey) -> None:
    """An empty choice, an unknown preset or an unknown scope changes nothing."""
    for fields in ({"access": "own"}, {"access": "no-such"}, {"access": "own", "scope": ["keys:fly"]}):
        response = browser.post(f"/settings/keys/{key.id}/access", fields)
        assert (response.status, list(field_errors(response))) == (422, ["scopes"])
    assert get_key(browser, key).scopes == ("api:read",)


def test_expiry_is_changed_from_now_on(browser: PageClient, key: ApiKey) -> None:
    """Seven days count from the change, not from the key's creation."""
    assert "Currently expires" in browser.get(f"/settings/keys/{key.id}/expiry").text
    browser.post(f"/settings/keys/{key.id}/expiry", {"expires": "7d"})
    assert browser.toast == "Expiry updated."
    assert get_key(browser, key).expires_at_ms == START_MS + 7 * DAY_MS
    browser.post(f"/settings/keys/{key.id}/expiry", {"expires": "never"})
    assert "Currently never expires" in browser.get(f"/settings/keys/{key.id}/expiry").text


def test_a_past_date_is_a_message_at_the_date(browser: PageClient, key: ApiKey) -> None:
    """Changing the expiry is no way to end a key unnoticed."""
    response = browser.post(f"/settings/keys/{key.id}/expiry", {"expires": "on", "day": "2020-01-01"})
    assert response.status == 422
    assert field_errors(response) == {"expires_at": "This time is in the past. Choose a later one."}
    assert get_key(browser, key) == key


def test_a_dead_key_has_no_forms(browser: PageClient, key: ApiKey) -> None:
    """Revoked means revoked: no form restores it, opened before or after."""
    revoke_key(browser.instance, key)
    for form, fields in (
        ("access", {"access": "administrator"}),
        ("expiry", {"expires": "never"}),
        ("enable-in-table", {}),
    ):
        assert browser.post(f"/settings/keys/{key.id}/{form}", fields).status == 409
    response = browser.get(f"/settings/keys/{key.id}/access")
    assert response.status == 409
    assert "Revoked and expired keys can&#39;t be changed" in response.text


def test_no_form_works_for_others(browser: PageClient, key: ApiKey) -> None:
    """Widening a key needs the owner's session and the page's token."""
    forms = {
        "name": {"name": "x"},
        "access": {"access": "administrator"},
        "expiry": {"expires": "never"},
        "enable-in-table": {},
    }
    for form, fields in forms.items():
        browser.assert_guarded(f"/settings/keys/{key.id}/{form}", fields)
    assert get_key(browser, key) == key
