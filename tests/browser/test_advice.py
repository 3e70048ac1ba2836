"""The advice above the table: five sentences at most, each with its button; dismissed, it stays away."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.steps import HOME, SECRET
from tests.support.past import Past, past_of


@pytest.fixture
def past(owner: Any) -> Iterator[Past]:
    """A neglected instance."""
    with past_of(owner.server.data_dir, time.time_ns() // 1_000_000) as found:
        found.forget_keys()
        roaming, old, dead = found.key("Roaming", 20, 90), found.key("Ancient", 500, 900), found.key("Dead", 90, 60)
        for name in ("Idle one", "Idle two"):
            found.key(name, 60, 400)
        found.key("Endless", 2)
        found.requests(roaming, 1, 14, address="198.51.100.{n}")
        found.requests(old, 3)
        found.requests(dead, 0.1, 12, code="expired", address="203.0.113.9", agent="cron/1")
        yield found


def _unfold(page: Any) -> None:
    """Three sentences are shown; the others wait behind a line."""
    more = page.locator(".advice-more > summary")
    if more.count():
        more.click()


@pytest.fixture
def advice(past: Past, home: Any, owner: Any) -> Any:
    """The panel."""
    home.goto(f"{owner.url}{HOME}")
    _unfold(home)
    return home.get_by_role("region", name="Recommendations")


def test_five_sentences_each_with_a_button(advice: Any, page: Any) -> None:
    """The gravest first; the buttons open what helps."""
    expect(advice).to_contain_text("5 recommendations")
    for words, button in (
        (
            (
                "Expired key “Dead” is still being used: 12 calls in the last 7 days, "
                "most recently 2 hours ago from 203.0.113.9 with cron/1."
            ),
            "View",
        ),
        ("2 keys haven't been used in 30 days: “Idle one” and “Idle two”.", "Revoke them"),
        ("“Roaming” was used from 14 IP addresses in the last 30 days. Do you recognize them?", "View"),
        ("The secret of “Ancient” is 500 days old.", "Rotate"),
        ("“Endless” never expires.", "Set an expiry"),
    ):
        line = advice.get_by_role("listitem").filter(has_text=words)
        expect(line.get_by_role("link", name=button)).to_be_visible()
    advice.get_by_role("link", name="Set an expiry").click()
    expect(page.get_by_role("dialog", name="Change expiry")).to_contain_text("Endless")
    page.keyboard.press("Escape")
    advice.get_by_role("link", name="View requests").click()
    expect(page.get_by_role("heading", name="Dead")).to_be_visible()


def test_rotating_an_old_key(advice: Any, page: Any) -> None:
    """A new secret for the same key."""
    advice.get_by_role("link", name="Rotate").click()
    dialog = page.get_by_role("dialog", name="Rotate API key")
    expect(dialog).to_contain_text("Ancient")
    dialog.get_by_role("button", name="Rotate key").click()
    expect(page.get_by_role("dialog")).to_contain_text("Copy your key now")
    assert SECRET.search(page.get_by_role("dialog").inner_text())


def test_unused_keys_are_listed_and_revoked(advice: Any, page: Any) -> None:
    """The dialog names them before anything is done; afterwards nothing more is said of them."""
    advice.get_by_role("link", name="Revoke them").click()
    dialog = page.get_by_role("dialog", name="Revoke 2 keys?")
    expect(dialog.get_by_role("listitem").filter(has_text="Idle one")).to_be_visible()
    dialog.get_by_role("button", name="Revoke 2 keys").click()
    expect(page.locator(".toast")).to_contain_text("Keys revoked. They no longer work.")
    expect(page.get_by_text("haven't been used in 30 days")).to_have_count(0)


def test_a_dismissed_sentence_comes_back_with_another_key(past: Past, owner: Any, plain: Any) -> None:
    """It stays away for the keys that it was about; without scripting as well."""
    plain.goto(f"{owner.url}{HOME}")
    line = plain.locator("#advice-addresses")
    line.get_by_role("button", name="Dismiss").click()
    expect(plain.get_by_text("You'll see it again if something changes.")).to_be_visible()
    expect(line).to_have_count(0)
    other = past.key("Also roaming", 5, 90)
    past.requests(other, 1, 11, address="198.51.100.{n}")
    plain.reload()
    expect(line).to_contain_text("“Also roaming” was used from 11 IP addresses")


def test_an_outdated_dismissal_changes_nothing(past: Past, owner: Any, plain: Any) -> None:
    """The sentence had changed between the page and the click."""
    plain.goto(f"{owner.url}{HOME}")
    past.key("Endless too", 1)
    _unfold(plain)
    plain.locator("#advice-endless").get_by_role("button", name="Dismiss").click()
    expect(plain.get_by_text("This changed in the meantime")).to_be_visible()
    expect(plain.locator("#advice-endless")).to_have_count(1)
