"""Rendering: whole pages and fragments, redirects, toasts, and the error page."""

import pytest
from jinja2 import UndefinedError

from ari.web.render import TOAST_COOKIE, asset_parts, assets, environment
from tests.support.commands import create_key
from tests.support.page_client import PageClient


def test_htmx_gets_the_contents_without_the_page_around_them(browser: PageClient) -> None:
    """A dialog that held a whole page would nest one document in another."""
    whole, part = browser.get("/shortcuts"), browser.get("/shortcuts", hx_request="true")
    assert whole.text.lstrip().lower().startswith("<!doctype html>")
    assert "<html" not in part.text
    for response in (whole, part):
        assert "Show keyboard shortcuts" in response.text


def test_a_toast_is_shown_once_and_only_by_a_whole_page(browser: PageClient) -> None:
    """A part that refreshes in the meantime does not use the message up."""
    browser.cookies[TOAST_COOKIE] = "renamed"
    assert "Key renamed." not in browser.get("/shortcuts", hx_request="true").text
    assert "Key renamed." in browser.get("/shortcuts").text
    assert TOAST_COOKIE not in browser.cookies
    assert "Key renamed." not in browser.get("/shortcuts").text


def test_a_redirect_is_one_that_its_client_follows(browser: PageClient) -> None:
    """A browser gets a 303; htmx a header, so that it loads the page instead of swapping it in."""
    plain = browser.post("/preferences", {"next": "/shortcuts"})
    by_htmx = browser.post("/preferences", {"next": "/shortcuts"}, hx_request="true")
    assert (plain.status, plain.headers["location"]) == (303, "/shortcuts")
    assert (by_htmx.status, by_htmx.headers["hx-redirect"]) == (204, "/shortcuts")


def test_text_of_others_is_escaped(browser: PageClient) -> None:
    """A key's name is shown, never run (security.md 22)."""
    created = create_key(browser.instance, '<img src=x onerror="alert(1)">')
    shown = browser.get(f"/settings/keys/{created.key.id}").text
    assert "<img src=x" not in shown
    assert "&lt;img src=x onerror=&#34;alert(1)&#34;&gt;" in shown


def test_a_missing_variable_is_an_error() -> None:
    """A misspelled name in a template can't silently leave out a warning."""
    with pytest.raises(UndefinedError):
        environment().from_string("{{ no_such_name }}").render()


def test_an_error_page_shows_no_value_of_the_request(browser: PageClient) -> None:
    """The address is the caller's text; the page has the status, the request ID and a way back."""
    response = browser.get("/no-such-page?q=caller-text")
    assert response.status == 404
    assert "caller-text" not in response.text
    assert "no-such-page" not in response.text
    assert response.headers["x-request-id"] in response.text


def test_a_page_that_does_not_exist_keeps_the_menu(browser: PageClient) -> None:
    """A person who is signed in goes on from there; nobody else sees that there is an account."""
    mine, stranger = browser.get("/no-such-page"), browser.another().get("/no-such-page")
    assert "owner@example.org" in mine.text
    assert 'aria-label="Settings"' in mine.text
    assert "owner@example.org" not in stranger.text
    assert 'aria-label="Settings"' not in stranger.text
    other = browser.another()
    other.cookies = dict.fromkeys(browser.cookies, "made-up")
    assert "owner@example.org" not in other.get("/no-such-page").text


def test_another_host_gets_no_page_of_the_owner(browser: PageClient) -> None:
    """Under a foreign name (DNS rebinding) nothing is shown but where ARI is."""
    response = browser.get("/settings?tab=api", host="evil.example")
    assert response.status == 421
    assert "http://127.0.0.1:3000" in response.text
    assert "owner@example.org" not in response.text


def test_every_script_and_style_is_checked_by_its_hash() -> None:
    """The browser refuses a file that is not the built one (Subresource Integrity)."""
    assert {"api-docs.js", "api-docs.css"} <= set(assets())
    for name, asset in assets().items():
        assert asset.integrity.startswith("sha384-"), name
    assert set(asset_parts("api-docs.js")) <= set(assets())
