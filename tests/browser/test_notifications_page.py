"""Settings > Notifications, emailed links and the changed address in a real browser, with a stand-in for Resend."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.steps import check_nothing_scrolls_sideways, enter, sign_in
from tests.support.mailing import mailing_owner
from tests.support.owner import Owner
from tests.support.resend import StandIn, stand_in

NOTIFICATIONS = "/settings/notifications"
NEW = "nine loud starlings 77"
LINK = re.compile(r"http://\S+#token=\S{43}")


@pytest.fixture(scope="module")
def mail() -> Iterator[StandIn]:
    """The stand-in that takes this module's emails."""
    with stand_in() as made:
        yield made


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory, mail: StandIn) -> Iterator[Owner]:
    """An owner of this module's own, whose instance emails."""
    with mailing_owner(tmp_path_factory, mail) as found:
        yield found


@pytest.fixture(autouse=True)
def _time_passes(owner: Owner) -> None:
    """Each test begins when attempts and links of before no longer count."""
    owner.server.clock.advance(3600)


def link_in(mail: StandIn, before: int) -> str:
    """The link in the first email with one after so many."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        found = [LINK.search(one.fields["text"]) for one in mail.taken[before:]]
        if any(found):
            return next(one[0] for one in found if one)
        time.sleep(0.05)
    raise AssertionError("no mail with a link came")


def test_switches_test_email_and_history(page: Any, owner: Owner, mail: StandIn) -> None:
    """Switches stay as set; the test says in words how it ended; each email is listed with its id."""
    sign_in(page, owner, NOTIFICATIONS)
    expect(page.get_by_text(f"Emails are sent to {owner.email} from ARI <ari@example.net>.")).to_be_visible()
    switch = page.get_by_role("switch", name="API key revoked")
    expect(switch).to_be_checked()
    page.evaluate("window.stays = true")
    switch.click()
    expect(switch).not_to_be_checked()
    expect(page.locator(".toast")).to_contain_text("API key revoked: off.")
    expect(switch).to_be_focused()
    assert page.evaluate("window.stays"), "the page was loaded again"
    page.reload()
    expect(switch).not_to_be_checked()
    owner.server.clock.advance(16 * 60)
    page.get_by_role("switch", name="API key created").click()
    dialog = page.get_by_role("dialog", name="Confirm it's you")
    dialog.get_by_label("Password for").fill(owner.password)
    dialog.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("switch", name="API key created")).not_to_be_checked()
    page.get_by_role("switch", name="API key created").click()
    expect(page.get_by_role("switch", name="API key created")).to_be_checked()
    page.get_by_role("button", name="Send test email").click()
    expect(page.get_by_text(f"Test email sent to {owner.email}.")).to_be_visible()
    expect(page.locator(".toast")).to_contain_text("Test finished.")
    assert mail.taken[-1].fields["subject"] == "ARI test email"
    taken = len(mail.taken)
    page.reload()
    expect(page.get_by_text(f"Test email sent to {owner.email}.")).to_be_visible()
    assert page.url == f"{owner.url}{NOTIFICATIONS}"
    assert len(mail.taken) == taken
    mail.verified.clear()
    page.get_by_role("button", name="Send test email").click()
    expect(page.get_by_text("The test email wasn't sent: ")).to_be_visible()
    expect(page.get_by_text(f"Test email sent to {owner.email}.")).to_have_count(0)
    mail.verified.add("example.net")
    key, _ = owner.create_key("told of")
    owner.cli("keys", "revoke", key["id"], "--yes", check=True)
    row = page.get_by_role("row").filter(has_text="“told of” was created")
    silent = page.get_by_role("row").filter(has_text="“told of” was revoked")
    for _ in range(60):
        page.goto(f"{owner.url}{NOTIFICATIONS}")
        if row.get_by_text("Sent", exact=True).count() and silent.count():
            break
        page.wait_for_timeout(500)
    [sent] = [one for one in mail.taken if "“told of” was created" in one.fields["subject"]]
    expect(row.get_by_text(sent.id)).to_be_visible()
    expect(silent.get_by_text("Turned off", exact=True)).to_be_visible()


def test_without_scripting(plain: Any, owner: Owner) -> None:
    """The switches, the test and, after a while, the question for the password."""
    plain.goto(f"{owner.url}{NOTIFICATIONS}")
    switch = plain.get_by_role("switch", name="Unused API keys")
    switch.click()
    expect(switch).not_to_be_checked()
    owner.server.clock.advance(16 * 60)
    switch.click()
    plain.get_by_label("Password").fill(owner.password)
    plain.get_by_role("button", name="Confirm").click()
    expect(plain.get_by_role("switch", name="Unused API keys")).to_be_checked()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible_wide_and_narrow(
    watch_page: Callable[..., Any], owner: Owner, axe: Callable[[Any], list[Any]], scheme: str
) -> None:
    """axe finds nothing; no page is wider than a telephone; nothing is reported."""
    page = watch_page(color_scheme=scheme, viewport={"width": 390, "height": 844})
    for place in ("/forgot-password", "/reset-password", "/confirm-address"):
        page.goto(f"{owner.url}{place}")
        assert axe(page) == []
    enter(page, owner, NOTIFICATIONS)
    for place in (NOTIFICATIONS, "/settings/security/address", "/settings/security"):
        page.goto(f"{owner.url}{place}")
        assert axe(page) == []
        check_nothing_scrolls_sideways(page)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{owner.url}{NOTIFICATIONS}")
    assert axe(page) == []
    assert page.complaints == []


def test_another_address_is_entered_in_the_dialog(page: Any, owner: Owner, mail: StandIn) -> None:
    """An invalid address is reported at its field; the link in the email confirms it with one button."""
    before = len(mail.taken)
    enter(page, owner, "/settings/security")
    page.get_by_role("link", name="Change address").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("New email").fill("no address")
    dialog.get_by_role("button", name="Send confirmation link").click()
    expect(dialog.get_by_text("Enter an email address, such as")).to_be_visible()
    dialog.get_by_label("New email").fill("new@example.net")
    dialog.get_by_role("button", name="Send confirmation link").click()
    expect(page.get_by_text("Confirmation link sent.")).to_be_visible()
    page.goto(link_in(mail, before))
    expect(page.get_by_label("Link code")).to_be_hidden()
    assert "#" not in page.url
    page.get_by_role("button", name="Confirm your email address").click()
    expect(page.get_by_text("Email address changed.")).to_be_visible()
    owner.email = "new@example.net"
    expect(page.get_by_role("heading", name="Email address").locator("..")).to_contain_text("new@example.net")


def test_a_forgotten_password_is_reset(page: Any, owner: Owner, mail: StandIn) -> None:
    """From the sign-in by way of the mailbox back to it; the token leaves the address bar at once."""
    before = len(mail.taken)
    page.goto(f"{owner.url}/sign-in")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("Email").fill(owner.email)
    page.get_by_role("button", name="Send reset link").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    page.goto(link_in(mail, before))
    expect(page.get_by_label("New password")).to_be_focused()
    assert "#" not in page.url
    page.get_by_label("New password").fill("password1234")
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("too easy to guess")).to_be_visible()
    page.get_by_label("New password").fill(NEW)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("Password changed.")).to_be_visible()
    owner.password = NEW
    sign_in(page, owner, NOTIFICATIONS)


@pytest.fixture
def _no_email(owner: Owner) -> Iterator[None]:
    """The server without a mail service, until the test ends."""
    key = owner.server.settings.pop("RESEND_API_KEY")
    owner.server.restart()
    yield
    owner.server.settings["RESEND_API_KEY"] = key
    owner.server.restart()


@pytest.mark.usefixtures("_no_email")
def test_without_email_the_page_says_how_to_turn_it_on(page: Any, owner: Owner) -> None:
    """Three steps; without a mail service, no form sends a link."""
    enter(page, owner, NOTIFICATIONS)
    for step in ("Create an account at resend.com", "Create an API key", "Set RESEND_API_KEY in ARI's environment"):
        expect(page.get_by_text(step)).to_be_visible()
    expect(page.get_by_role("button", name="Send test email")).to_have_count(0)
    page.goto(f"{owner.url}/forgot-password")
    expect(page.get_by_text("ari account reset-password")).to_be_visible()
