"""The secret cannot be brought back (security.md 31), in a browser."""

import re
from typing import Any

from playwright.sync_api import expect

from tests.browser.steps import SECRET, create_in_dialog, finish

NEW = "/settings/keys/new"


def create_on_its_page(page: Any, owner: Any, name: str) -> str:
    page.goto(f"{owner.url}{NEW}")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("heading", name="Copy your key now")).to_be_visible()
    return str(SECRET.findall(page.inner_text("main"))[0])


def test_back_and_forward_do_not_bring_it_back(owner: Any, home: Any) -> None:
    """Neither the back button nor forward again shows the secret."""
    secret = create_on_its_page(home, owner, "Back")
    home.get_by_label("I've saved this key").check()
    home.get_by_role("button", name="Done").click()
    home.wait_for_url("**/settings?tab=api")
    home.go_back()
    assert secret not in home.content()
    home.go_forward()
    assert secret not in home.content()


def test_a_reload_says_already_created(owner: Any, home: Any) -> None:
    """Sending the form again makes no second key and shows no secret."""
    home.on("dialog", lambda dialog: dialog.accept())
    secret = create_on_its_page(home, owner, "Reloaded")
    home.reload()
    expect(home.get_by_role("heading", name="Key already created")).to_be_visible()
    expect(home.locator(".subject")).to_contain_text("Reloaded")
    assert secret not in home.content()
    assert sum(key["name"] == "Reloaded" for key in owner.cli.json("keys", "list")["items"]) == 1


def test_the_same_form_sent_twice_makes_one_key(owner: Any) -> None:
    """A form that was used makes nothing more, and the response names what it made."""
    client = owner.session()
    page = client.get(NEW).text
    fields = dict(_read_hidden_inputs(page), name="Sent twice", expires="1h", access="standard")
    assert client.post(NEW, data=fields).status_code == 201
    again = client.post(NEW, data=fields)
    assert again.status_code == 409
    assert not SECRET.search(again.text)
    assert "Sent twice" in again.text


def test_nothing_of_it_stays_in_the_page_or_the_browser(owner: Any, home: Any) -> None:
    """After Done the secret is in no element, storage, cookie, address or history entry."""
    secret = create_in_dialog(home, "Wiped")
    finish(home.get_by_role("dialog"))
    expect(home.get_by_role("dialog")).to_have_count(0)
    kept = home.evaluate(
        "JSON.stringify([document.documentElement.outerHTML, {...localStorage}, {...sessionStorage},"
        " document.cookie, location.href, history.state])"
    )
    assert secret not in kept
    assert all(secret not in cookie["value"] for cookie in home.context.cookies())


def test_leaving_wipes_the_page_that_the_browser_keeps(owner: Any, home: Any) -> None:
    """On pagehide the secret is taken out of the document, so no cache of the browser holds it."""
    secret = create_on_its_page(home, owner, "Hidden")
    home.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    assert secret not in home.content()


def test_a_page_restored_from_memory_is_loaded_again(owner: Any, home: Any) -> None:
    """On pageshow with ``persisted`` the page asks the server again."""
    with home.expect_navigation():
        home.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    expect(home.get_by_role("heading", name="Settings")).to_be_visible()


def _read_hidden_inputs(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.partition("<main")[2]))
