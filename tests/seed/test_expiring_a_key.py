"""The seed's section "Expiring a Key"."""

import re
from html import unescape

import pytest

from ari.keys.expiry import EXPIRY_CHOICES
from tests.seed.conftest import Pages, get

HOUR = 3600
DAY = 24 * HOUR
CHOICES = {
    "1 hour": ("1h", HOUR, "one-off scripts or temporary access"),
    "7 days": ("7d", 7 * DAY, "hort-term automation or trying out an integration"),
    "30 days": ("30d", 30 * DAY, "ongoing scripts that you can rotate monthly"),
    "90 days": ("90d", 90 * DAY, "sensible default for production integrations"),
    "1 year": ("1y", 365 * DAY, "longer-lived keys"),
    "Never": ("never", None, "valid until you revoke it manually"),
}


def test_when_you_create_a_key_you_can_choose_how_long_it_should_remain_valid(pages: Pages) -> None:
    """ "Available expiry options", in this order and with these hints."""
    form = unescape(re.sub(r"<[^>]+>", " ", pages.client.get("/settings/keys/new").text))
    places = [form.index(f" {label} ") for label in CHOICES]
    assert places == sorted(places)
    for _, _, hint in CHOICES.values():
        assert hint in form
    assert [choice.label for choice in EXPIRY_CHOICES.values()] == list(CHOICES)


@pytest.mark.parametrize("label", [label for label in CHOICES if label != "Never"])
def test_after_the_expiry_date_passes_ari_will_reject_any_request_using_that_key(pages: Pages, label: str) -> None:
    """ "After the expiry date passes, ARI will reject any request using that key" – to the second."""
    word, seconds, _ = CHOICES[label]
    assert seconds is not None
    _, secret = pages.create(f"lives {label}", word)
    clock = pages.owner.server.clock
    clock.advance(seconds - 60)
    assert get(pages, secret).status_code == 200
    clock.advance(60)
    for path in ("/api/openapi.json", "/api/me", "/api/keys", "/api/nothing", "/api/health"):
        answer = get(pages, secret, path)
        assert (answer.status_code, answer.json()["code"]) == (401, "expired")
    pages.client = pages.owner.session()


def test_same_effect_as_revoking_it_but_automatic(pages: Pages) -> None:
    """ "same effect as revoking it, but automatic": the responses differ in their reason alone."""
    _, one = pages.create("expires", "1h")
    other_id, other = pages.create("is revoked", "1h")
    pages.act(other_id, "revoke")
    pages.owner.server.clock.advance(HOUR)
    expired, revoked = get(pages, one), get(pages, other)
    assert expired.status_code == revoked.status_code == 401
    assert expired.headers["www-authenticate"] == revoked.headers["www-authenticate"]
    assert set(expired.json()) == set(revoked.json())


def test_never_the_key_stays_valid_until_you_revoke_it_manually(pages: Pages) -> None:
    """ "Never — the key stays valid until you revoke it manually"."""
    _, secret = pages.create("for ever", "never")
    pages.owner.server.clock.advance(20 * 365 * DAY)
    assert get(pages, secret).status_code == 200
    pages.client = pages.owner.session()


def test_pick_the_shortest_expiry_that_still_fits_your_use_case(pages: Pages) -> None:
    """The page says so where one chooses."""
    assert "Choose the shortest expiry that works for you" in pages.client.get("/settings/keys/new").text


def test_you_can_see_when_each_key_expires_in_the_settings_api_table(pages: Pages) -> None:
    """ "You can see when each key expires in the Settings > API table": relative, and the exact instant."""
    key_id, secret = pages.create("dated", "30d")
    row = pages.row("dated")
    exact = get(pages, secret, "/api/me").json()["key"]["expires_at"]
    assert "in 30 days" in row or "in 29 days" in row
    assert exact[:16] in row
    assert key_id in row


def test_once_expired_the_key_shows_up_as_inactive(pages: Pages) -> None:
    """ "the key shows up as inactive — you can leave it there for the audit trail or delete it"."""
    key_id, secret = pages.create("to be deleted", "1h")
    get(pages, secret)
    pages.owner.server.clock.advance(HOUR)
    assert re.search(r"Inactive\s*·\s*</span>Expired", pages.row("to be deleted"))
    assert pages.act(key_id, "delete").status_code in (200, 204, 303)
    assert "to be deleted" not in pages.table()
    _, admin = pages.create("auditor", access="administrator")
    assert get(pages, admin, f"/api/keys/{key_id}/usage").json()["items"]
    names = [event["name"] for event in get(pages, admin, f"/api/events?subject={key_id}").json()["items"]]
    assert names == ["key_deleted", "key_created"]
