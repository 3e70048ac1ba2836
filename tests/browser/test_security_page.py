"""Settings > Security in a real browser: password, two-factor, backup codes, sessions, confirming."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from ari.accounts import totp
from tests.browser.steps import HOME, check_nothing_scrolls_sideways, open_create, read_secret, sign_in
from tests.support.owner import EMAIL, PASSWORD, Owner
from tests.support.server import ServerProcess

SECURITY = "/settings/security"
QUARTER = 15 * 60


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """An owner of this module's own: its tests change password, two-factor and the clock."""
    folder = tmp_path_factory.mktemp("instance") / "data"
    folder.mkdir(mode=0o700)
    server = ServerProcess(folder, settings={"ARI_ADMIN_EMAIL": EMAIL, "ARI_ADMIN_PASSWORD": PASSWORD}).start()
    found = Owner(server)
    yield found
    found.close()
    server.kill()


@pytest.fixture(autouse=True)
def _time_passes(owner: Owner) -> None:
    """Each test begins when failed attempts of before no longer count."""
    owner.server.clock.advance(5 * 60)


@pytest.fixture
def _off_again(owner: Owner) -> Iterator[None]:
    """Two-factor is off again after the test."""
    yield
    owner.cli("account", "disable-two-factor", "--yes", check=True)


def code_of(owner: Owner, secret: str, later: int = 0) -> str:
    """The authenticator app's code by the server's clock, some steps later."""
    now_ms = time.time_ns() // 1_000_000 + owner.server.clock.offset_ms
    known = totp.secret_bytes(secret)
    assert known
    return totp.code_at(known, totp.step_at(now_ms) + later)


def set_up(page: Any, owner: Owner) -> tuple[str, list[str]]:
    """Turn two-factor on through the page; its secret and the backup codes."""
    page.goto(f"{owner.url}{SECURITY}")
    page.get_by_role("link", name="Set up").click()
    secret = page.locator("#totp-secret").inner_text()
    page.get_by_label("Enter the 6-digit code").fill(code_of(owner, secret))
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", name="Save your backup codes")).to_be_visible()
    codes = page.locator("#secret").inner_text().split()
    assert len(set(codes)) == 10
    return secret, codes


def leave_codes(page: Any) -> None:
    """Tick that they are saved, and go on."""
    page.get_by_label("I've saved these codes").check()
    page.get_by_role("link", name="Done").click()
    page.wait_for_url(f"**{SECURITY}")


def give_password(page: Any, owner: Owner, to: str = HOME) -> None:
    """The first step of a sign-in."""
    page.goto(f"{owner.url}{to}")
    page.get_by_label("Email").fill(owner.email)
    page.get_by_label("Password", exact=True).fill(owner.password)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.usefixtures("_off_again")
@pytest.mark.parametrize("scripting", [True, False])
def test_set_up_and_sign_in(owner: Owner, browser: Any, scripting: bool) -> None:
    """QR code and secret, a code turns it on, ten codes once; then a sign-in needs the next code, or a backup code."""
    context = browser.new_context(java_script_enabled=scripting, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(15_000)
    page = context.new_page()
    sign_in(page, owner, SECURITY)
    secret, codes = set_up(page, owner)
    if scripting:
        leave_codes(page)
    else:
        page.get_by_role("link", name="Done").click()
    expect(page.get_by_text("10 of 10 left")).to_be_visible()
    page.get_by_role("button", name="Account menu").click()
    page.get_by_role("button", name="Sign out", exact=True).last.click()
    give_password(page, owner, SECURITY)
    expect(page.get_by_role("heading", name="Enter your code")).to_be_visible()
    page.goto(f"{owner.url}{SECURITY}")
    expect(page.get_by_role("heading", name="Sign in to ARI")).to_be_visible()
    page.goto(f"{owner.url}/sign-in/code?next={SECURITY}")
    page.get_by_label("Six-digit code").fill("000 000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("That code is incorrect")).to_be_visible()
    page.get_by_label("Six-digit code").fill(code_of(owner, secret, later=1))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{SECURITY}")
    expect(page.get_by_text("Signed in with a code").first).to_be_visible()
    context.clear_cookies()
    give_password(page, owner, SECURITY)
    page.get_by_role("link", name="Use a backup code").click()
    page.get_by_label("Backup code").fill(codes[3].upper().replace("-", " "))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{SECURITY}")
    expect(page.get_by_text("9 of 10 left")).to_be_visible()
    context.close()


@pytest.mark.usefixtures("_off_again")
def test_backup_codes_are_downloaded_and_renewed(owner: Owner, page: Any, tmp_path: Path) -> None:
    """The file is made in the browser and holds all codes; new codes void those before."""
    sign_in(page, owner, SECURITY)
    _, codes = set_up(page, owner)
    with page.expect_download() as started:
        page.get_by_role("button", name="Download").click()
    started.value.save_as(tmp_path / "codes.txt")
    assert started.value.suggested_filename == "ari-backup-codes.txt"
    assert (tmp_path / "codes.txt").read_text().split("\n\n")[1].split() == codes
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="Generate new codes").click()
    page.get_by_role("button", name="Generate new codes").click()
    fresh = page.locator("#secret").inner_text().split()
    assert len(fresh) == 10
    assert not set(fresh) & set(codes)
    leave_codes(page)
    expect(page.get_by_text("Backup codes generated")).to_be_visible()
    assert page.goto(f"{owner.url}{SECURITY}").status == 200
    assert fresh[0] not in page.content()


def test_turning_off_needs_password_and_code(owner: Owner, page: Any) -> None:
    """In the dialog: a wrong password, a wrong code, then both right."""
    sign_in(page, owner, SECURITY)
    secret, _ = set_up(page, owner)
    leave_codes(page)
    page.get_by_role("link", name="Turn off").click()
    dialog = page.get_by_role("dialog")
    for password, code, said in (
        ("wrong", "123456", "Incorrect password."),
        (owner.password, "000000", "That code is incorrect"),
    ):
        dialog.get_by_label("Password", exact=True).fill(password)
        dialog.get_by_label("Authenticator or backup code").fill(code)
        dialog.get_by_role("button", name="Turn off").click()
        expect(dialog.get_by_text(said)).to_be_visible()
    dialog.get_by_label("Password", exact=True).fill(owner.password)
    dialog.get_by_label("Authenticator or backup code").fill(code_of(owner, secret, later=1))
    dialog.get_by_role("button", name="Turn off").click()
    expect(page.get_by_text("Two-factor authentication is off.")).to_be_visible()
    expect(page.get_by_role("link", name="Set up")).to_be_visible()


def test_changing_the_password(owner: Owner, page: Any, browser: Any) -> None:
    """The old one is required, a weak one refused; then the other session is out and this one goes on."""
    other = browser.new_context()
    elsewhere = other.new_page()
    sign_in(elsewhere, owner, SECURITY)
    sign_in(page, owner, SECURITY)
    page.get_by_role("link", name="Change password").click()
    dialog = page.get_by_role("dialog")
    for current, new, said in (
        ("wrong", "nine loud starlings 77", "Incorrect password."),
        (owner.password, "password1234", "too easy to guess"),
    ):
        dialog.get_by_label("Current password", exact=True).fill(current)
        dialog.get_by_label("New password", exact=True).fill(new)
        dialog.get_by_role("button", name="Change password").click()
        expect(dialog.get_by_text(said)).to_be_visible()
    dialog.get_by_label("Current password", exact=True).fill(owner.password)
    dialog.get_by_label("New password", exact=True).fill("nine loud starlings 77")
    dialog.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Password changed.")).to_be_visible()
    owner.password = "nine loud starlings 77"
    expect(page.get_by_text("This session")).to_be_visible()
    elsewhere.goto(f"{owner.url}{SECURITY}")
    expect(elsewhere.get_by_role("heading", name="Sign in to ARI")).to_be_visible()
    other.close()


def test_sessions(owner: Owner, page: Any, browser: Any) -> None:
    """Each session by device and address, this one marked; one is signed out, then all others."""
    contexts = [browser.new_context(user_agent=agent) for agent in (_FIREFOX, _IPHONE)]
    pages = [context.new_page() for context in contexts]
    for one in pages:
        sign_in(one, owner)
    sign_in(page, owner, SECURITY)
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows.filter(has_text="This session")).to_have_count(1)
    rows.filter(has_text="Firefox on Windows").get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Session signed out.")).to_be_visible()
    expect(rows.filter(has_text="Firefox on Windows")).to_have_count(0)
    pages[0].goto(f"{owner.url}{HOME}")
    expect(pages[0].get_by_role("heading", name="Sign in to ARI")).to_be_visible()
    expect(rows.filter(has_text="Safari on iPhone")).to_have_count(1)
    page.get_by_role("button", name="Sign out other sessions").click()
    expect(page.get_by_text("Signed out of your other sessions.")).to_be_visible()
    expect(rows).to_have_count(2)
    expect(page.get_by_text("Other sessions signed out")).to_be_visible()
    for context in contexts:
        context.close()


_FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"
_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Mobile/15E148 Safari/604.1"
)


def test_confirming_in_the_dialog(owner: Owner, page: Any) -> None:
    """After 15 minutes creating a key asks for the password in the same dialog, then shows the key at once."""
    sign_in(page, owner)
    owner.server.clock.advance(QUARTER + 1)
    dialog = open_create(page)
    dialog.get_by_label("Name", exact=True).fill("Made after a while")
    dialog.get_by_role("button", name="Create key").click()
    expect(dialog.get_by_role("heading", name="Confirm it's you")).to_be_visible()
    expect(dialog.get_by_label("Password for")).to_be_focused()
    dialog.get_by_label("Password for").fill("wrong")
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog.get_by_text("Incorrect password.")).to_be_visible()
    dialog.get_by_label("Password for").fill(owner.password)
    dialog.get_by_role("button", name="Confirm").click()
    assert read_secret(dialog)
    expect(dialog.get_by_text("Made after a while")).to_be_visible()


def test_confirming_without_scripting(owner: Owner, plain: Any) -> None:
    """The same on pages of their own: for a form that was sent, and for a page that was opened."""
    owner.server.clock.advance(QUARTER + 1)
    plain.get_by_role("link", name="Create API Key").click()
    plain.get_by_label("Name", exact=True).fill("Made without scripting")
    plain.get_by_role("button", name="Create key").click()
    plain.get_by_label("Password for").fill(owner.password)
    plain.get_by_role("button", name="Confirm").click()
    assert read_secret(plain.locator("main"))
    owner.server.clock.advance(QUARTER + 1)
    plain.goto(f"{owner.url}{SECURITY}")
    plain.get_by_role("link", name="Set up").click()
    plain.get_by_label("Password for").fill(owner.password)
    plain.get_by_role("button", name="Confirm").click()
    expect(plain.get_by_role("heading", name="Set up two-factor authentication")).to_be_visible()


@pytest.mark.usefixtures("_off_again")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(owner: Owner, browser: Any, axe: Any, theme: str) -> None:
    """Every page and dialog of this, wide in one theme and narrow in the other; nothing scrolls sideways."""
    context = browser.new_context(color_scheme=theme, locale="en-GB", timezone_id="UTC", reduced_motion="reduce")
    context.set_default_timeout(15_000)
    page = context.new_page()

    page.set_viewport_size({"width": 1280, "height": 900} if theme == "light" else {"width": 390, "height": 844})

    def look() -> None:
        found = [(one["id"], [node["html"] for node in one["nodes"]]) for one in axe(page)]
        assert found == [], page.url
        check_nothing_scrolls_sideways(page)

    sign_in(page, owner, SECURITY)
    look()
    page.get_by_role("link", name="Change password").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    look()
    page.goto(f"{owner.url}{SECURITY}/two-factor")
    look()
    secret, _ = set_up(page, owner)
    look()
    leave_codes(page)
    look()
    page.get_by_role("link", name="Turn off").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    look()
    page.goto(f"{owner.url}{SECURITY}/backup-codes")
    look()
    owner.server.clock.advance(QUARTER + 1)
    page.goto(f"{owner.url}/confirm")
    look()
    page.goto(f"{owner.url}{HOME}")
    dialog = open_create(page)
    dialog.get_by_label("Name", exact=True).fill("Seen by axe")
    dialog.get_by_role("button", name="Create key").click()
    expect(dialog.get_by_role("heading", name="Confirm it's you")).to_be_visible()
    look()
    context.clear_cookies()
    give_password(page, owner)
    expect(page.get_by_role("heading", name="Enter your code")).to_be_visible()
    look()
    page.get_by_role("link", name="Use a backup code").click()
    page.get_by_label("Backup code").fill(code_of(owner, secret))
    page.get_by_role("button", name="Sign in").click()
    context.close()
