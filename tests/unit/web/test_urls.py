"""The one place that knows every page: toasts, and what a form may lead back to (security.md 28)."""

import re
from pathlib import Path

from ari.web import render, urls
from ari.web.navigation import Toast
from ari.web.pages.settings_api.urls import HOME


def toasts() -> list[Toast]:
    """Every toast of every folder of pages."""
    folders = [one for one in vars(urls).values() if hasattr(one, "RETURN_TO")]
    return [value for folder in folders for value in vars(folder).values() if isinstance(value, Toast)]


def test_every_toast_is_found_by_its_own_id() -> None:
    """Two toasts with one ID would show the wrong message after a form."""
    found = toasts()
    assert len(found) > 15
    assert [urls.toast_text(one.id) for one in found] == [one.text for one in found]
    assert len({one.id for one in found}) == len(found)


def test_the_cookie_cannot_hold_a_text_of_its_own() -> None:
    """The cookie holds an ID; any other text shows nothing."""
    for text in ("", "renamed ", "<b>Your session ended</b>"):
        assert urls.toast_text(text) is None


def test_no_form_leads_back_to_a_page_that_acts_or_that_visitors_see() -> None:
    """After signing in the browser never lands on sign-in, setup, a link's page or a form's own address."""
    for url in (
        "/sign-in",
        "/sign-in/code",
        "/setup",
        "/reset-password",
        "/confirm",
        "/settings/keys/many",
        "/sign-out",
    ):
        assert urls.return_url(url) == HOME
        assert urls.page_behind(f"http://127.0.0.1:3000{url}") is None


def test_the_page_behind_a_dialog_keeps_its_query_but_not_its_host() -> None:
    """htmx sends the whole URL; only the path and query are used, so another host leads nowhere else."""
    assert urls.page_behind("https://evil.example/settings/usage?range=7d#top") == "/settings/usage?range=7d"
    assert urls.page_behind(None) is None


def test_an_unreadable_url_of_the_page_behind_leads_nowhere() -> None:
    """It comes after the command was committed, so it must not turn a success into a 500."""
    for url in ("http://[bad", "http://\u2100/settings"):
        assert urls.page_behind(url) is None


def test_templates_take_the_urls_of_pages_from_their_folders() -> None:
    """A page whose URL changes takes its forms and links with it."""
    templates = sorted(Path(render.__file__).parent.rglob("*.html"))
    assert len(templates) > 50
    written = re.compile(r'(?:href|action)="/(?!api/)')
    assert [str(path) for path in templates if written.search(path.read_text())] == []
