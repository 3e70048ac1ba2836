"""Everything by keyboard."""

from typing import Any

from playwright.sync_api import expect

from tests.browser.steps import HOME, open_create


def tab_to(page: Any, target: Any, limit: int = 60) -> None:
    """Press Tab until the target has the focus; it must also be seen to have it."""
    for _ in range(limit):
        if target.evaluate("element => element === document.activeElement"):
            outline = target.evaluate("element => getComputedStyle(element.closest('.choice') ?? element).outlineStyle")
            assert outline != "none"
            return
        page.keyboard.press("Tab")
    raise AssertionError("the focus never came to it")


def test_from_sign_in_to_a_revoked_key(owner: Any, page: Any) -> None:
    """A person without a mouse signs in, creates, saves, opens and revokes a key."""
    page.goto(f"{owner.url}/sign-in")
    expect(page.get_by_label("Email")).to_be_focused()
    page.keyboard.type(owner.email)
    page.keyboard.press("Tab")
    page.keyboard.type(owner.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("By keyboard")
    tab_to(page, dialog.get_by_role("radio", name="90 days"))
    page.keyboard.press("ArrowUp")
    expect(dialog.get_by_role("radio", name="30 days")).to_be_checked()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Copy key").first).to_be_focused()
    tab_to(page, dialog.get_by_label("I've saved this key"))
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    tab_to(page, page.get_by_role("link", name="By keyboard", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="By keyboard")).to_be_visible()
    tab_to(page, page.get_by_role("link", name="Revoke"))
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("link", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Revoked").filter(visible=True).first).to_be_visible()


def test_the_skip_link_comes_first(home: Any) -> None:
    """The first Tab offers to skip to the content."""
    home.reload()
    home.keyboard.press("Tab")
    link = home.get_by_role("link", name="Skip to content")
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()
    home.keyboard.press("Enter")
    expect(home.get_by_role("main")).to_be_focused()


def test_the_shortcut_is_quiet_while_typing_and_can_be_switched_off(owner: Any, home: Any) -> None:
    """A typed c stays a letter; switched off in the menu, c does nothing, also after a reload."""
    dialog = open_create(home)
    home.keyboard.type("cc")
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("cc")
    home.keyboard.press("Escape")
    home.get_by_role("button", name="Account menu").click()
    home.get_by_role("button", name="Single-key shortcuts").click()
    home.keyboard.press("Escape")
    home.get_by_role("heading", name="Settings").click()
    for _ in range(2):
        home.keyboard.press("c")
        home.wait_for_timeout(300)
        expect(home.get_by_role("dialog")).to_have_count(0)
        home.goto(f"{owner.url}{HOME}")
    home.get_by_role("button", name="Account menu").click()
    home.get_by_role("button", name="Single-key shortcuts").click()
    home.keyboard.press("Escape")
    home.get_by_role("heading", name="Settings").click()
    home.keyboard.press("c")
    expect(home.get_by_role("dialog")).to_be_visible()


def test_the_focus_comes_back_from_the_menus_dialog(home: Any) -> None:
    """A dialog opened from the account menu returns the focus to the menu's button."""
    menu = home.get_by_role("button", name="Account menu")
    menu.click()
    home.get_by_role("link", name="Sign out everywhere").click()
    expect(home.get_by_role("dialog")).to_be_visible()
    home.keyboard.press("Escape")
    expect(menu).to_be_focused()


def test_the_focus_stays_inside_a_dialog(home: Any) -> None:
    """Tab goes round inside the dialog and never to the page behind it."""
    open_create(home)
    for _ in range(12):
        home.keyboard.press("Tab")
        assert home.evaluate(
            "document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
        )


def test_a_key_is_one_chord_and_a_part_of_its_name_away(owner: Any, home: Any) -> None:
    """Ctrl+K works on every page, also in a field; arrows choose among what fits, and Escape closes."""
    owner.create_key("Jump target")
    home.goto(f"{owner.url}/settings/audit")
    home.keyboard.press("Control+k")
    dialog = home.get_by_role("dialog", name="Jump to")
    expect(dialog.get_by_label("A page, key or consumer")).to_be_focused()
    home.keyboard.type("jump targ")
    expect(dialog.locator("#jump-found a bdi")).to_have_text(["Jump target"])
    home.keyboard.press("ArrowDown")
    expect(dialog.get_by_role("link", name="Jump target")).to_be_focused()
    home.keyboard.press("ArrowUp")
    home.keyboard.press("Enter")
    expect(home.get_by_role("heading", name="Jump target")).to_be_visible()
    home.keyboard.press("Control+k")
    home.keyboard.type("budgets")  # at once: what is typed before the field is there isn't lost
    home.keyboard.press("Enter")
    expect(home).to_have_url(f"{owner.url}/settings/usage/budgets")
    home.keyboard.press("Control+k")
    expect(dialog).to_be_visible()
    home.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
