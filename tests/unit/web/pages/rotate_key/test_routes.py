"""Rotate a key on its page: the new secret once, and who still uses the old one until it is retired."""

import re

import pytest

from ari.deps import Deps
from ari.keys import Rotation, rotate
from ari.keys.model import ApiKey
from ari.usage.ports import Batch
from tests.support.commands import change_key, clock_of, create_key, revoke_key
from tests.support.page_client import PageClient, field_errors, plain_text
from tests.support.usage import make_row

SECRET = re.compile(r"ari_k_[0-9A-Za-z]{49}")


@pytest.fixture
def key(browser: PageClient) -> ApiKey:
    """An active key."""
    return create_key(browser.instance, "Mobile App", scopes=("keys:read",)).key


def _page(key: ApiKey) -> str:
    return f"/settings/keys/{key.id}"


def _fields(browser: PageClient, key: ApiKey) -> dict[str, str]:
    """The fields of a fresh form."""
    found = re.search(r'name="form" value="([^"]+)"', browser.get(f"{_page(key)}/rotate").text)
    assert found
    return {"form": found[1], "overlap": "24h"}


def _rotate(browser: PageClient, key: ApiKey, overlap: str = "24h") -> None:
    Deps(browser.instance).do_sync(rotate, key.id, Rotation(overlap))


def test_the_new_secret_is_in_this_response_alone(browser: PageClient, key: ApiKey) -> None:
    """The key keeps its ID; its page shows the new prefix, and the old secret in a notice."""
    response = browser.post(f"{_page(key)}/rotate", _fields(browser, key))
    assert (response.status, response.headers["cache-control"]) == (201, "no-store")
    [secret] = set(SECRET.findall(response.text))
    assert f"The old secret {key.hint} works until" in plain_text(response.text)
    shown = browser.get(_page(key)).text
    assert secret not in shown
    assert secret[-4:] in plain_text(shown)
    assert f"Old secret {key.hint} retires in 24 hours" in plain_text(shown)
    assert "hasn't been used since the key was rotated" in plain_text(shown)


def test_without_overlap_the_old_secret_is_dead(browser: PageClient, key: ApiKey) -> None:
    """The response says so, and the page has nothing to retire."""
    response = browser.post(f"{_page(key)}/rotate", _fields(browser, key) | {"overlap": "0s"})
    assert f"The old secret {key.hint} no longer works" in plain_text(response.text)
    assert "Retire now" not in browser.get(_page(key)).text


def test_a_form_sent_twice_rotates_once(browser: PageClient, key: ApiKey) -> None:
    """A double click or a reload shows no secret and retires none."""
    fields = _fields(browser, key)
    browser.post(f"{_page(key)}/rotate", fields)
    repeated = browser.post(f"{_page(key)}/rotate", fields)
    assert (repeated.status, "Key already rotated" in repeated.text) == (409, True)
    assert not SECRET.search(repeated.text)
    assert browser.events().count("key_rotated") == 1


def test_a_third_secret_needs_a_tick(browser: PageClient, key: ApiKey) -> None:
    """The form names the secret that would be retired, and a refusal keeps what was chosen."""
    _rotate(browser, key)
    fields = _fields(browser, key) | {"overlap": "7d"}
    assert f"The old secret {key.hint} still works" in plain_text(browser.get(f"{_page(key)}/rotate").text)
    refused = browser.post(f"{_page(key)}/rotate", fields)
    assert refused.status == 409
    assert "Select this to continue" in field_errors(refused)["retire_old_now"]
    assert re.search(r'name="overlap" value="7d" checked', refused.text)
    done = browser.post(f"{_page(key)}/rotate", _fields(browser, key) | {"retire_old_now": "yes"})
    assert done.status == 201
    assert browser.events()[:3].count("key_secret_retired") == 1


@pytest.mark.parametrize(("overlap", "status"), [("31d", 422), ("", 422), ("x", 422)])
def test_bad_fields_are_named(browser: PageClient, key: ApiKey, overlap: str, status: int) -> None:
    """Nothing is rotated."""
    response = browser.post(f"{_page(key)}/rotate", _fields(browser, key) | {"overlap": overlap or " "})
    assert (response.status, list(field_errors(response))) == (status, ["overlap"])
    assert "key_rotated" not in browser.events()


def test_an_old_form_rotates_nothing(browser: PageClient, key: ApiKey) -> None:
    """After half a day ARI no longer knows whether it was used."""
    fields = _fields(browser, key)
    clock_of(browser.instance).advance(12 * 3600)
    assert "This form has expired" in browser.sign_in().post(f"{_page(key)}/rotate", fields).text
    assert "key_rotated" not in browser.events()


def test_the_page_says_who_still_uses_the_old_secret(browser: PageClient, key: ApiKey) -> None:
    """Addresses and user agents, escaped; the part that refreshes has it too."""
    _rotate(browser, key)
    now_ms = browser.instance.now_ms()
    rows = [
        make_row(now_ms, key_id=key.id, secret_number=1, client_address="192.0.2.7", user_agent="<b>cron</b>"),
        make_row(now_ms, key_id=key.id, secret_number=1, client_address="192.0.2.8"),
        make_row(now_ms, key_id=key.id, secret_number=2, client_address="192.0.2.9"),
    ]
    browser.instance.database.usage.commit(Batch(rows))
    text = browser.get(_page(key), hx_request="true").text
    assert "is still used from 2 IP addresses" in plain_text(text)
    assert "192.0.2.7" in text
    assert "192.0.2.9" not in text
    assert "<b>cron" not in text


def test_retiring_asks_and_then_does_it(browser: PageClient, key: ApiKey) -> None:
    """Afterwards there is nothing to ask."""
    _rotate(browser, key)
    assert f"The old secret {key.hint} stops working immediately" in plain_text(
        browser.get(f"{_page(key)}/retire-old").text
    )
    done = browser.post(f"{_page(key)}/retire-old")
    assert (done.status, browser.toast) == (303, "Old secret retired. It no longer works.")
    assert "Retire now" not in browser.get(_page(key)).text
    again = browser.get(f"{_page(key)}/retire-old")
    assert (again.status, again.headers["location"]) == (303, _page(key))


def test_an_inactive_key_has_no_form(browser: PageClient, key: ApiKey) -> None:
    """Nor can a form that was opened before be sent."""
    fields = _fields(browser, key)
    revoke_key(browser.instance, key)
    assert browser.get(f"{_page(key)}/rotate").status == 409
    assert browser.post(f"{_page(key)}/rotate", fields).status == 409
    assert "Rotate" not in plain_text(browser.get(_page(key)).text).split("Events")[0]


def test_the_forms_are_guarded(browser: PageClient, key: ApiKey) -> None:
    """By a session and its CSRF token."""
    fields = _fields(browser, key)
    _rotate(browser, key)
    browser.assert_guarded(f"{_page(key)}/rotate", fields)
    browser.assert_guarded(f"{_page(key)}/retire-old")
    assert browser.events().count("key_rotated") == 1
    assert "key_secret_retired" not in browser.events()


def test_rotating_asks_for_the_password_again(browser: PageClient, key: ApiKey) -> None:
    """Security rule 29: a secret is shown."""
    fields = _fields(browser, key)
    clock_of(browser.instance).advance(3600)
    assert "password" in browser.post(f"{_page(key)}/rotate", fields).text.lower()
    assert "key_rotated" not in browser.events()


def test_whether_a_key_can_rotate_itself_is_part_of_its_access(browser: PageClient, key: ApiKey) -> None:
    """Shown, allowed and forbidden on its page."""
    form = {"access": "own", "scope": ["keys:read"]}
    browser.post(f"{_page(key)}/access", form | {"may_rotate": "yes"})
    assert "Can rotate itself" in plain_text(browser.get(_page(key)).text)
    assert re.search(r'name="may_rotate" value="yes" checked', browser.get(f"{_page(key)}/access").text)
    browser.post(f"{_page(key)}/access", form)
    assert browser.events()[:2] == ["key_may_rotate_changed"] * 2


def test_a_duplicate_can_do_the_same(browser: PageClient, key: ApiKey) -> None:
    """Its form begins with what the key may do."""
    change_key(browser.instance, key, may_rotate=True)
    assert re.search(r'name="may_rotate" value="yes" checked', browser.get(f"/settings/keys/new?like={key.id}").text)
