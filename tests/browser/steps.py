"""Steps that browser tests have in common, as a person would take them."""

import re
from typing import Any

from playwright.sync_api import Error, expect

HOME = "/settings?tab=api"
SECRET = re.compile(r"ari_k_[0-9A-Za-z]{49}")


def sign_in(page: Any, owner: Any, to: str = HOME) -> None:
    """Sign in through the page."""
    page.goto(f"{owner.url}{to}")
    page.get_by_label("Email").fill(owner.email)
    page.get_by_label("Password", exact=True).fill(owner.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{to}")


def enter(page: Any, owner: Any, to: str = HOME) -> None:
    """Open a page with a session; what the sign-in page does is not this test's subject."""
    page.context.add_cookies([{**owner.start_session(), "sameSite": "Lax"}])
    page.goto(f"{owner.url}{to}")


def open_create(page: Any) -> Any:
    """Open the dialog; it is given back."""
    page.get_by_role("link", name="Create API Key").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
    return dialog


def create_in_dialog(page: Any, name: str) -> str:
    """Create a key in the dialog; the dialog then shows its secret, which is given back."""
    dialog = open_create(page)
    dialog.get_by_label("Name", exact=True).fill(name)
    dialog.get_by_role("button", name="Create key").click()
    return read_secret(dialog)


def read_secret(place: Any) -> str:
    """The secret on the page, where it is shown once."""
    expect(place.get_by_role("heading", name="Copy your key now")).to_be_visible()
    found = SECRET.findall(place.inner_text())
    assert len(found) == 1, found
    return str(found[0])


def finish(dialog: Any) -> None:
    """Tick that the key is saved, and leave."""
    dialog.get_by_label("I've saved this key").check()
    dialog.get_by_role("button", name="Done").click()


def check_nothing_scrolls_sideways(page: Any) -> None:
    """Wait until the page is no wider than its window, at most 5 seconds; an error names what is too wide.

    One run of thousands read 332 of 320 px right after the window became narrower; no page is so wide once it is drawn.
    """
    try:
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth", timeout=5_000)
    except Error as error:
        width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        raise AssertionError(f"{page.url} is {width}: {page.evaluate(_TOO_WIDE)}") from error


_TOO_WIDE = """[...document.querySelectorAll("body *")]
    .map((one) => [Math.round(one.getBoundingClientRect().right), one.tagName, one.className, one.innerText])
    .filter((one) => one[0] > innerWidth).sort((one, other) => other[0] - one[0]).slice(0, 20)"""
