"""Sensitive actions ask for the password again, then continue (security.md 29)."""

import pytest

from tests.support.commands import clock_of, create_key
from tests.support.owner import PASSWORD
from tests.support.page_client import PageClient, field_errors, plain_text


@pytest.fixture
def late(browser: PageClient) -> PageClient:
    """A browser that entered its password more than 15 minutes ago."""
    clock_of(browser.instance).advance(16 * 60)
    return browser


def test_the_fields_of_the_form_come_along(late: PageClient) -> None:
    """After the password the same request does what was asked, without typing again."""
    key = create_key(late.instance, "Billing", scopes=("api:read",)).key
    place = f"/settings/keys/{key.id}/access"
    asked = late.post(place, {"access": "own", "scope": ["keys:read", "usage:read"]})
    assert asked.status == 403
    for field in ('name="access" value="own"', 'name="scope" value="keys:read"', 'name="scope" value="usage:read"'):
        assert field in asked.text
    assert late.list_keys()[0].scopes == ("api:read",)
    fields = {"access": "own", "scope": ["keys:read", "usage:read"], "confirm_password": PASSWORD}
    assert late.post(place, fields).status == 303
    assert late.list_keys()[0].scopes == ("keys:read", "usage:read")


def test_a_provider_key_is_not_carried_through_the_page(late: PageClient) -> None:
    """A secret must not be written into HTML, so it has to be pasted again (security.md 31)."""
    secret = "sk-" + "A1b2" * 12
    asked = late.post("/settings/integrations/openai/key", {"provider_key": secret})
    assert asked.status == 403
    assert secret not in asked.text
    after = late.post("/settings/integrations/openai/key", {"confirm_password": PASSWORD})
    assert "Paste it again." in field_errors(after)["provider_key"]


def test_a_wrong_password_does_nothing_and_is_limited(late: PageClient) -> None:
    """Guessing at an open browser meets the limits of the sign-in."""
    key = create_key(late.instance, "Billing").key
    place = f"/settings/keys/{key.id}/access"
    fields = {"access": "administrator", "confirm_password": "wrong"}
    statuses = [late.post(place, fields).status for _ in range(6)]
    assert statuses == [422] * 5 + [429]
    assert late.list_keys()[0] == key
    limited = late.post(place, {**fields, "confirm_password": PASSWORD})
    assert "Too many" in field_errors(limited)["confirm_password"]
    assert late.list_keys()[0] == key


def test_in_a_dialog_the_question_replaces_the_form_elsewhere_it_is_a_page(late: PageClient) -> None:
    """A menu can't hold the question, so htmx is led to the page that asks, and back to the one behind."""
    behind = "http://127.0.0.1:3000/settings/usage?range=7d"
    menu = late.get("/settings/security/address", hx_request="true", hx_target="menu", hx_current_url=behind)
    assert (menu.status, menu.headers["hx-redirect"]) == (204, "/confirm?next=%2Fsettings%2Fusage%3Frange%3D7d")
    plain = late.get("/settings/security/address")
    assert plain.status == 403
    assert 'action="/confirm"' in plain.text
    assert 'name="next" value="/settings/security/address"' in plain.text


def test_a_page_that_is_not_sensitive_does_not_ask(late: PageClient) -> None:
    """Reading, narrowing and revoking never wait for a password: a leaked key must die now."""
    key = create_key(late.instance, "Leaked").key
    assert late.get(f"/settings/keys/{key.id}").status == 200
    assert late.post(f"/settings/keys/{key.id}/revoke").status == 303
    assert "Revoked" in plain_text(late.get(f"/settings/keys/{key.id}").text)
