"""Revoke, delete or change the expiry of many keys."""

import pytest

from ari.base.clock import DAY_MS
from ari.keys import MAX_KEYS_AT_ONCE
from ari.keys.model import ApiKey
from tests.support.commands import create_key, revoke_key
from tests.support.instances import START_MS
from tests.support.page_client import PageClient, field_errors, plain_text

MANY = "/settings/keys/many"


@pytest.fixture
def keys(browser: PageClient) -> list[ApiKey]:
    """Two active keys and a revoked one."""
    found = [create_key(browser.instance, name).key for name in ("Mobile App", "Billing", "Old Script")]
    revoke_key(browser.instance, found[2])
    return found


def ids(keys: list[ApiKey]) -> list[str]:
    return [key.id for key in keys]


def list_by_name(browser: PageClient) -> dict[str, ApiKey]:
    """The keys that are not deleted, by name."""
    return {key.name: key for key in browser.list_keys()}


def ask(browser: PageClient, verb: str, keys: list[ApiKey]) -> str:
    return plain_text(browser.get(f"{MANY}?do={verb}" + "".join(f"&key={key.id}" for key in keys)).text)


def test_the_question_lists_what_fits_and_counts_what_is_skipped(browser: PageClient, keys: list[ApiKey]) -> None:
    """The owner sees every key before anything is done; deleting fits exactly the keys that revoking doesn't."""
    revoking, deleting = ask(browser, "revoke", keys), ask(browser, "delete", keys)
    assert "Revoke 2 keys?" in revoking
    assert "1 selected key is skipped: already revoked or expired." in revoking
    assert keys[0].id in revoking
    assert "Delete 1 key?" in deleting
    assert keys[2].id in deleting
    assert keys[0].id not in deleting


@pytest.mark.parametrize(
    ("verb", "number", "words"),
    [
        ("revoke", 2, "The selected keys are already revoked or expired."),
        ("delete", 0, "Revoke the selected keys first."),
        ("expire", None, "Select keys in the table first."),
    ],
)
def test_without_a_fitting_key_the_page_says_why(
    browser: PageClient, keys: list[ApiKey], verb: str, number: int | None, words: str
) -> None:
    """There is no form to send then."""
    shown = ask(browser, verb, [] if number is None else [keys[number]])
    assert words in shown
    assert "Cancel" not in shown


def test_revoking_keeps_the_reason_of_each(browser: PageClient, keys: list[ApiKey]) -> None:
    """A key that was revoked before keeps its own time and reason."""
    before = list_by_name(browser)["Old Script"]
    response = browser.post(MANY, {"do": "revoke", "key": ids(keys), "reason": "cleanup"})
    assert (response.status, response.headers["location"]) == (303, "/settings?tab=api")
    assert browser.toast == "Keys revoked. They no longer work."
    after = list_by_name(browser)
    assert {after[name].revoke_reason for name in ("Mobile App", "Billing")} == {"cleanup"}
    assert after["Old Script"] == before


def test_deleting_spares_active_keys(browser: PageClient, keys: list[ApiKey]) -> None:
    """A list that was made before, or forged, can't delete a key that works."""
    browser.post(MANY, {"do": "delete", "key": ids(keys)})
    assert browser.toast == "Keys deleted. Their usage and events are kept."
    assert set(list_by_name(browser)) == {"Mobile App", "Billing"}


def test_the_expiry_of_many_is_one_instant(browser: PageClient, keys: list[ApiKey]) -> None:
    """It counts from the change, for all alike; the revoked key stays as it is."""
    browser.post(MANY, {"do": "expire", "key": ids(keys), "expires": "7d"})
    assert browser.toast == "Expiry updated."
    assert {name: key.expires_at_ms for name, key in list_by_name(browser).items()} == {
        "Mobile App": START_MS + 7 * DAY_MS,
        "Billing": START_MS + 7 * DAY_MS,
        "Old Script": None,
    }


def test_a_key_can_be_left_out(browser: PageClient, keys: list[ApiKey]) -> None:
    """Every listed key has a box, and only those that are still ticked change."""
    page = browser.get(f"{MANY}?do=expire&pick=shown&show=active").text
    assert page.count("data-subject ") + page.count("data-subject>") == 2
    browser.post(MANY, {"do": "expire", "key": keys[0].id, "expires": "7d"})
    found = {name: key.expires_at_ms for name, key in list_by_name(browser).items()}
    assert found == {"Mobile App": START_MS + 7 * DAY_MS, "Billing": None, "Old Script": None}


def test_a_form_without_a_key_changes_nothing(browser: PageClient, keys: list[ApiKey]) -> None:
    """All boxes unticked is no reason to change all keys."""
    browser.post(MANY, {"do": "revoke"})
    assert (browser.toast or "").startswith("Nothing changed")
    assert [list_by_name(browser)[key.name] for key in keys[:2]] == keys[:2]


def test_a_wrong_date_or_reason_changes_no_key(browser: PageClient, keys: list[ApiKey]) -> None:
    """The question comes back with the message and the same keys."""
    past = browser.post(MANY, {"do": "expire", "key": ids(keys), "expires": "on", "day": "2020-01-01"})
    assert field_errors(past) == {"expires_at": "This time is in the past. Choose a later one."}
    long = browser.post(MANY, {"do": "revoke", "key": ids(keys), "reason": "x" * 201})
    assert (long.status, field_errors(long)) == (422, {"reason": "Use at most 200 characters."})
    assert keys[0].id in long.text
    assert [list_by_name(browser)[key.name] for key in keys[:2]] == keys[:2]


def test_more_keys_than_the_limit_are_left_out_and_said(browser: PageClient, keys: list[ApiKey]) -> None:
    """One transaction has a bound; what exceeds it is counted, and a form that exceeds it is refused."""
    unknown = [f"key_01J{number:023}" for number in range(MAX_KEYS_AT_ONCE - 1)]
    picked = "&key=".join([keys[0].id, *unknown, keys[1].id])
    shown = plain_text(browser.get(f"{MANY}?do=revoke&key={picked}").text)
    assert "Repeat this for the other 1 key." in shown
    response = browser.post(MANY, {"do": "revoke", "key": [keys[0].id, *unknown, keys[1].id]})
    assert list(field_errors(response)) == ["keys"]
    assert list_by_name(browser)["Mobile App"] == keys[0]


def test_picking_what_the_table_shows_follows_its_search(browser: PageClient, keys: list[ApiKey]) -> None:
    """Revoke all matching means those that match, and no others."""
    shown = plain_text(browser.get(f"{MANY}?do=revoke&pick=shown&q=mobile&show=all").text)
    assert "Revoke 1 key?" in shown
    assert keys[0].id in shown
    assert keys[1].id not in shown


def test_keys_that_changed_in_the_meantime_are_reported(browser: PageClient, keys: list[ApiKey]) -> None:
    """The message doesn't claim that something was revoked."""
    browser.post(MANY, {"do": "revoke", "key": keys[2].id})
    assert (browser.toast or "").startswith("Nothing changed")


def test_unknown_verbs_and_picks_are_not_found(browser: PageClient) -> None:
    """A misspelled form does nothing rather than something else."""
    for query in ("do=destroy", "do=revoke&pick=everything", "do=revoke&pick=shown&show=nonsense", ""):
        assert browser.get(f"{MANY}?{query}").status == 404
    assert browser.post(MANY, {"do": "destroy", "key": "key_1"}).status == 404


def test_no_form_works_for_others(browser: PageClient, keys: list[ApiKey]) -> None:
    """Revoking many keys needs the owner's session and the page's token."""
    browser.assert_guarded(MANY, {"do": "revoke", "key": ids(keys)})
    assert list_by_name(browser)["Billing"] == keys[1]
