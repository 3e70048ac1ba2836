"""The usage part of a key's page: the filtered log, the live tail, the export."""

import json
from urllib.parse import urlencode

import pytest

from ari.keys.model import ApiKey
from tests.support.commands import clock_of, create_key
from tests.support.page_client import PageClient, field_errors


@pytest.fixture
def key(browser: PageClient) -> ApiKey:
    """A key with which ``/api/me`` was requested once."""
    created = create_key(browser.instance, "Mobile App", scopes=("api:read",))
    response = browser.another().get("/api/me", x_api_key=created.secret, user_agent="curl/8.5.0")
    assert response.status == 200
    return created.key


def lease_of(browser: PageClient, key: ApiKey) -> str:
    """A live tail that has just begun."""
    response = browser.post(f"/settings/keys/{key.id}/tail")
    assert response.status == 200
    lease: str = json.loads(response.body)["lease"]
    return lease


def tail(browser: PageClient, key: ApiKey, lease: str, **filters: str) -> tuple[int, str]:
    """The status of the live tail, and its rows."""
    query = urlencode({"lease": lease, "since": str(browser.instance.now_ms()), **filters})
    response = browser.get(f"/settings/keys/{key.id}/tail?{query}")
    return response.status, response.text


def test_the_tail_shows_new_rows_that_match(browser: PageClient, key: ApiKey) -> None:
    """Its rows are those of the page's filters."""
    lease = lease_of(browser, key)
    status, rows = tail(browser, key, lease)
    assert status == 200
    assert "/api/me" in rows
    assert "curl/8.5.0" in rows
    assert "/api/me" not in tail(browser, key, lease, status="4xx")[1]


def test_a_tail_lives_as_long_as_its_lease(browser: PageClient, key: ApiKey) -> None:
    """A tab that was closed stops reading the log; made-up leases never start (security.md 33)."""
    lease = lease_of(browser, key)
    clock_of(browser.instance).advance(61)
    assert tail(browser, key, lease)[0] == 409
    for forged in ("", "0", "-1", "9" * 15, "x"):
        assert tail(browser, key, forged)[0] == 409


def test_a_session_has_at_most_ten_tails(browser: PageClient, key: ApiKey) -> None:
    """Closing one makes room; renewing one needs none."""
    leases = [lease_of(browser, key) for _ in range(10)]
    full = browser.post(f"/settings/keys/{key.id}/tail")
    assert (full.status, "Close one and try again." in full.text) == (429, True)
    assert browser.post(f"/settings/keys/{key.id}/tail", {"lease": leases[0]}).status == 200
    browser.post(f"/settings/keys/{key.id}/tail", {"lease": leases[1], "end": "1"})
    assert tail(browser, key, leases[1])[0] == 409
    lease_of(browser, key)


def test_the_log_shows_the_request_and_a_wrong_filter_is_a_message(browser: PageClient, key: ApiKey) -> None:
    """The page is still shown, without the wrong filter."""
    page = f"/settings/keys/{key.id}"
    assert "curl/8.5.0" in browser.get(page).text
    assert "No matching requests" in browser.get(f"{page}?q=no-such-text").text
    wrong = browser.get(f"{page}?status=9xx")
    assert wrong.status == 200
    assert field_errors(wrong)["status"].startswith("Use a status such as 404")
    assert "curl/8.5.0" in wrong.text


def test_an_export_has_the_rows_of_this_key_alone(browser: PageClient, key: ApiKey) -> None:
    """The file is the key's log, with the page's filters."""
    other = create_key(browser.instance, "Other", scopes=("api:read",))
    browser.another().get("/api/me", x_api_key=other.secret, user_agent="other-agent")
    response = browser.post(f"/settings/keys/{key.id}/export", {"format": "json"})
    assert response.status == 200
    assert "curl/8.5.0" in response.text
    assert "other-agent" not in response.text
    unknown = browser.post("/settings/keys/key_01J000000000000000000000ZZ/export", {"format": "json"})
    assert unknown.status == 404


def test_neither_works_for_others(browser: PageClient, key: ApiKey) -> None:
    """Addresses and user agents leave only with the owner."""
    browser.assert_guarded(f"/settings/keys/{key.id}/tail")
    browser.assert_guarded(f"/settings/keys/{key.id}/export", {"format": "csv"})
    assert browser.another().get(f"/settings/keys/{key.id}/tail").headers["location"].startswith("/sign-in")
