"""The form for a key's limits and credits, and what the key's page shows of them."""

import re

import pytest

from ari.keys.model import ApiKey
from tests.support.commands import change_key, create_key, revoke_key
from tests.support.page_client import PageClient, field_errors

MINUTE = {"name": "default", "limit": 100, "window": "1m"}


@pytest.fixture
def key(browser: PageClient) -> ApiKey:
    """An active key with a limit and credits."""
    return create_key(browser.instance, "Mobile App", limits=[MINUTE], credits={"amount": 1_000}).key


def get_key(browser: PageClient, key: ApiKey) -> ApiKey:
    found = browser.read(lambda tx: tx.keys.get(key.id))
    assert found is not None
    return found


def test_the_keys_page_shows_what_remains(browser: PageClient, key: ApiKey) -> None:
    """Live, in the part that refreshes; a key without limits has none."""
    page = browser.get(f"/settings/keys/{key.id}").text
    assert "100 of 100 left per minute" in page
    assert "1,000 left" in page
    assert "100 of 100" in browser.get(f"/settings/keys/{key.id}?part=side", hx_request="1").text
    change_key(browser.instance, key, limits=[], credits=None)
    assert "left" not in browser.get(f"/settings/keys/{key.id}?part=side", hx_request="1").text


def test_limits_and_credits_are_set(browser: PageClient, key: ApiKey) -> None:
    """The form has the key's limits; what is sent replaces them."""
    url = f"/settings/keys/{key.id}/limits"
    assert "100/1m" in browser.get(url).text
    sent = {"limits": "200/1m\n daily=5000/1d \n", "credits": "", "refill": "50/day", "hour": "3", "time_zone": "UTC"}
    assert browser.post(url, sent).status == 303
    rules = get_key(browser, key).policy.limits
    assert [(one.name, one.limit, one.window_ms) for one in rules.limits] == [
        ("default", 200, 60_000),
        ("daily", 5_000, 86_400_000),
    ]
    assert rules.credits is not None
    assert rules.credits.refill is not None
    assert (rules.credits.granted, rules.credits.refill.amount, rules.credits.refill.hour) == (1_000, 50, 3)
    assert 'value="50/day"' in browser.get(url).text
    browser.post(url, {"limits": "", "remove": "yes"})
    assert get_key(browser, key).rule_owners == ()


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"limits": "100"}, "limits"),
        ({"limits": "5/1m\n6/2m"}, "limits"),
        ({"limits": "5/99d"}, "limits"),
        ({"credits": "-1"}, "credits"),
        ({"credits": "1" * 20}, "credits"),
        ({"credits": "1" * 15}, "credits"),
        ({"refill": "5/week"}, "refill"),
        ({"refill": "0/day"}, "refill"),
        ({"refill": "5/day", "hour": "24"}, "hour"),
        ({"refill": "5/day", "hour": "x"}, "hour"),
        ({"refill": "5/day", "time_zone": "Mars"}, "time_zone"),
    ],
)
def test_mistakes_are_at_their_field(browser: PageClient, key: ApiKey, sent: dict[str, str], field: str) -> None:
    """And change nothing."""
    before = get_key(browser, key)
    response = browser.post(f"/settings/keys/{key.id}/limits", sent)
    assert response.status == 422
    assert list(field_errors(response)) == [field]
    assert get_key(browser, key) == before


def test_credits_are_added_once(browser: PageClient, key: ApiKey) -> None:
    """A form that is sent twice adds once."""
    url = f"/settings/keys/{key.id}"
    form_id = re.findall(r'name="form" value="([^"]+)"', browser.get(f"{url}/limits").text)[0]
    sent = {"amount": "500", "form": form_id}
    assert browser.post(f"{url}/credits", sent).status == 303
    assert browser.post(f"{url}/credits", sent).status == 422
    wrong = browser.post(f"{url}/credits", {"amount": "x", "form": form_id})
    assert list(field_errors(wrong)) == ["amount"]
    credits_ = get_key(browser, key).policy.limits.credits
    assert credits_ is not None
    assert credits_.granted == 1_500


def test_limits_are_reset(browser: PageClient, key: ApiKey) -> None:
    """Everything counts from nothing, after a question that shows what remains."""
    asked = browser.get(f"/settings/keys/{key.id}/limits/reset")
    assert "Reset these limits?" in asked.text
    assert f'action="/settings/keys/{key.id}/limits/reset"' in asked.text
    assert f'action="/settings/keys/{key.id}/limits/reset"' not in browser.get(f"/settings/keys/{key.id}/limits").text
    assert get_key(browser, key).policy.limits.limits[0].epoch == key.policy.limits.limits[0].epoch
    assert browser.post(f"/settings/keys/{key.id}/limits/reset", {}).status == 303
    assert browser.toast == "Limits reset. Nothing counts as used."
    assert get_key(browser, key).policy.limits.limits[0].epoch > key.policy.limits.limits[0].epoch


def test_an_inactive_key_has_no_form(browser: PageClient, key: ApiKey) -> None:
    """It stays as it was."""
    revoke_key(browser.instance, key)
    for answer in (
        browser.get(f"/settings/keys/{key.id}/limits"),
        browser.post(f"/settings/keys/{key.id}/limits", {"limits": ""}),
        browser.post(f"/settings/keys/{key.id}/limits/reset", {}),
        browser.post(f"/settings/keys/{key.id}/credits", {"amount": "5"}),
    ):
        assert answer.status == 409
