"""Creating a key in a browser."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Dialog, expect

from tests.browser.steps import HOME, create_in_dialog, enter, finish, open_create, read_secret


def test_create_copy_and_call(owner: Any, home: Any) -> None:
    """The dialog turns into the reveal; what the button copies is a key that works."""
    home.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=owner.url)
    secret = create_in_dialog(home, "Automation Script")
    dialog = home.get_by_role("dialog")
    dialog.get_by_role("button", name="Copy key").first.click()
    expect(dialog.get_by_role("button", name="Copied ✓")).to_be_visible()
    expect(dialog.get_by_role("status")).to_have_text("Copied to clipboard.")
    assert home.evaluate("navigator.clipboard.readText()") == secret
    assert owner.api(secret).get("/api/openapi.json").status_code == 200
    finish(dialog)
    expect(home.get_by_role("dialog")).to_have_count(0)
    row = home.get_by_role("row", name="Automation Script")
    expect(row).to_contain_text("Active")
    expect(row).to_contain_text("in 90 days")
    expect(home.get_by_role("link", name="Create API Key")).to_be_focused()


def test_the_seeds_choices_are_in_its_order(home: Any) -> None:
    """Six expiries with their hints, 90 days preselected, and the advice next to them."""
    dialog = open_create(home)
    group = dialog.get_by_role("group", name="Expires")
    names = ["1 hour", "7 days", "30 days", "90 days", "1 year", "Never"]
    assert group.locator(".choice-name").all_inner_texts() == names
    expect(group.get_by_role("radio", name="90 days")).to_be_checked()
    expect(group).to_contain_text("Choose the shortest expiry that works for you.")
    expect(group).to_contain_text("A sensible default for production integrations.")
    expect(dialog.get_by_role("radio", name="Read only")).to_be_checked()


def test_expiry_and_access_are_what_was_chosen(owner: Any, home: Any) -> None:
    """The choices of the form arrive in the key."""
    dialog = open_create(home)
    dialog.get_by_label("Name", exact=True).fill("Chosen")
    dialog.get_by_role("radio", name="1 hour").check()
    dialog.get_by_role("radio", name="Read only").check()
    dialog.get_by_role("button", name="Create key").click()
    secret = read_secret(dialog)
    key = owner.api(secret).get("/api/me").json()["key"]
    assert key["scopes"] == ["api:read", "keys:read", "usage:read"]
    finish(dialog)
    expect(home.get_by_role("row", name="Chosen")).to_contain_text("in 1 hour")
    expect(home.get_by_role("row", name="Chosen")).to_contain_text("Read only")


def test_a_bad_name_is_explained_next_to_its_field(home: Any) -> None:
    """The dialog stays, the field is focused and described, other choices are kept."""
    dialog = open_create(home)
    dialog.get_by_role("radio", name="7 days").check()
    dialog.get_by_role("button", name="Create key").click()
    name = dialog.get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_accessible_description(
        "For example, Automation Script or Mobile App. Enter a name that says what uses the key."
    )
    expect(dialog.get_by_role("radio", name="7 days")).to_be_checked()


def test_a_second_key_of_the_same_name_is_pointed_out(owner: Any, home: Any) -> None:
    """Names may repeat; the reveal says so with the hint that distinguishes them."""
    owner.create_key("Twin")
    create_in_dialog(home, "twin")
    expect(home.get_by_role("dialog")).to_contain_text("Another active key has this name.")


def test_closing_before_copying_asks(home: Any) -> None:
    """Escape (twice), the cross and a click next to the dialog warn; "close anyway" closes."""
    create_in_dialog(home, "Guarded")
    dialog = home.get_by_role("dialog")
    warning = dialog.get_by_role("alert")
    for close in (
        lambda: (home.keyboard.press("Escape"), home.keyboard.press("Escape")),
        lambda: dialog.get_by_role("button", name="Close", exact=True).click(),
        lambda: home.mouse.click(5, 5),
    ):
        close()
        expect(dialog).to_be_visible()
        expect(warning).to_contain_text("You haven't copied this key.")
    dialog.get_by_role("button", name="Close anyway").click()
    expect(home.get_by_role("dialog")).to_have_count(0)
    expect(home.get_by_role("row", name="Guarded")).to_be_visible()


def test_closing_after_copying_does_not_ask(owner: Any, home: Any) -> None:
    """No warning after copying."""
    home.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=owner.url)
    create_in_dialog(home, "Free")
    home.get_by_role("dialog").get_by_role("button", name="Copy key").first.click()
    expect(home.get_by_role("button", name="Copied ✓")).to_be_visible()
    home.keyboard.press("Escape")
    expect(home.get_by_role("dialog")).to_have_count(0)


def test_copying_from_the_warning_ends_it(owner: Any, home: Any) -> None:
    """The warning goes, the focus moves to the button that confirms."""
    home.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=owner.url)
    secret = create_in_dialog(home, "Warned")
    home.keyboard.press("Escape")
    dialog = home.get_by_role("dialog")
    dialog.get_by_role("alert").get_by_role("button", name="Copy key").click()
    expect(dialog.get_by_role("alert")).to_have_count(0)
    expect(dialog.get_by_role("button", name="Copied ✓")).to_be_focused()
    assert home.evaluate("navigator.clipboard.readText()") == secret


def test_leaving_the_page_before_copying_asks(owner: Any, home: Any) -> None:
    """The browser's own question comes up, only while the key is not saved."""
    create_in_dialog(home, "Leaving")
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    home.on("dialog", accept)
    home.goto(f"{owner.url}{HOME}")
    assert asked == ["beforeunload"]
    create_in_dialog(home, "Leaving saved")
    home.get_by_label("I've saved this key").check()
    home.goto(f"{owner.url}{HOME}")
    assert asked == ["beforeunload"]


def test_done_asks_before_the_key_is_saved(home: Any) -> None:
    """Done warns until the key was copied, downloaded or ticked as saved; the browser asks nothing of its own."""
    create_in_dialog(home, "Ticked")
    dialog = home.get_by_role("dialog")
    dialog.get_by_role("button", name="Done").click()
    expect(dialog.get_by_role("alert")).to_contain_text("You haven't copied this key.")
    finish(dialog)
    expect(home.get_by_role("dialog")).to_have_count(0)


def _select_and_copy(page: Any) -> None:
    page.locator("#secret").click(click_count=3)
    page.keyboard.press("Control+c")


SAVING: dict[str, Callable[[Any], object]] = {
    "copied": lambda page: page.get_by_role("button", name="Copy key").first.click(),
    "copied after the warning": lambda page: (
        page.get_by_role("button", name="Done").click(),
        page.get_by_role("alert").get_by_role("button", name="Copy key").click(),
    ),
    "copied as a line": lambda page: page.get_by_role("button", name="Copy the export command with the key").click(),
    "copied by hand": _select_and_copy,
    "downloaded": lambda page: page.get_by_role("button", name="Download as .env").click(),
}


@pytest.mark.parametrize("clipboard", [True, False], ids=["clipboard", "no-clipboard"])
@pytest.mark.parametrize("saving", SAVING)
def test_done_closes_once_the_key_is_saved(home: Any, owner: Any, saving: str, clipboard: bool) -> None:
    """However it was saved, and without the clipboard's interface, which plain http has not."""
    home.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=owner.url)
    if not clipboard:
        home.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    secret = create_in_dialog(home, f"Saved: {saving} {clipboard}")
    SAVING[saving](home)
    home.get_by_role("button", name="Done").click()
    expect(home.get_by_role("dialog")).to_have_count(0)
    if clipboard and saving != "downloaded":
        assert secret in home.evaluate("navigator.clipboard.readText()")


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_done_by_keyboard_closes_the_reveal(home: Any, owner: Any, key: str) -> None:
    """On its own page too, it leads back to the keys."""
    home.goto(f"{owner.url}/settings/keys/new")
    home.get_by_label("Name", exact=True).fill(f"By {key}")
    home.get_by_role("button", name="Create key").click()
    home.get_by_role("button", name="Copy key").first.click()
    home.get_by_role("button", name="Done").press(key)
    expect(home).to_have_url(f"{owner.url}{HOME}")


def test_the_ready_lines_keep_the_key_out_of_the_history(owner: Any, home: Any) -> None:
    """The curl line names a variable and our own address; the export line is apart and is copied with a space first."""
    home.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=owner.url)
    secret = create_in_dialog(home, "Lines")
    dialog = home.get_by_role("dialog")
    curl = f'curl -H "x-api-key: $ARI_API_KEY" {owner.url}/api/me'
    expect(dialog.get_by_text(curl)).to_be_visible()
    dialog.get_by_role("button", name="Copy the curl example").click()
    assert home.evaluate("navigator.clipboard.readText()") == curl
    dialog.get_by_role("button", name="Copy the export command with the key").click()
    assert home.evaluate("navigator.clipboard.readText()") == f" export ARI_API_KEY={secret}"


def test_cancel_and_escape_close_an_empty_form(home: Any) -> None:
    """Nothing asks while there is nothing to lose; the focus goes back to the button."""
    ways: tuple[Callable[[Any], object], ...] = (
        lambda dialog: home.keyboard.press("Escape"),
        lambda dialog: dialog.get_by_role("link", name="Cancel").click(),
    )
    for leave in ways:
        leave(open_create(home))
        expect(home.get_by_role("dialog")).to_have_count(0)
        expect(home.get_by_role("link", name="Create API Key")).to_be_focused()


def test_an_error_goes_as_soon_as_its_field_is_edited(owner: Any, watch_page: Callable[..., Any]) -> None:
    """Of text and of a group of choices; the others stay, and no style or script is refused."""
    page = watch_page()
    enter(page, owner)
    dialog = open_create(page)
    dialog.locator(".more-options > summary").click()
    dialog.get_by_label("Metadata").fill("wrong")
    dialog.get_by_role("radio", name="Custom").check()
    dialog.get_by_role("button", name="Create key").click()
    name = dialog.get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    errors = dialog.locator(".error")
    expect(errors).to_have_count(3)
    name.press("x")
    expect(errors).to_have_count(2)
    expect(name).not_to_have_attribute("aria-invalid", "true")
    expect(name).to_have_attribute("aria-describedby", "name-hint")
    dialog.get_by_role("radio", name="Read only").check()
    expect(errors).to_have_count(1)
    expect(dialog.get_by_label("Metadata")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Metadata").fill("{}")
    expect(errors).to_have_count(0)
    assert [one for one in page.complaints if "422" not in one] == []
