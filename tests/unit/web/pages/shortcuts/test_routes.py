"""The list of keyboard shortcuts."""

from tests.support.page_client import PageClient, plain_text


def test_every_shortcut_is_listed_with_what_it_does(browser: PageClient) -> None:
    """``?`` is the only way to find the others, so the list must name them all."""
    shown = plain_text(browser.get("/shortcuts").text)
    for key, action in (("c", "Create an API key"), ("/", "Search keys"), ("Esc", "Close a dialog or menu")):
        assert f"{key} {action}" in shown


def test_the_list_needs_a_session_and_leads_back_after_sign_in(visitor: PageClient) -> None:
    """Sign-in returns to the requested page."""
    response = visitor.get("/shortcuts")
    assert (response.status, response.headers["location"]) == (303, "/sign-in?next=%2Fshortcuts")
