"""``/api-docs``: the list of endpoints, for the owner and for keys with ``api:read``."""

from tests.support.commands import create_key
from tests.support.page_client import PageClient, plain_text


def test_every_endpoint_is_listed_with_the_scope_that_it_needs(browser: PageClient) -> None:
    """Read from the API's own description, so none can be forgotten."""
    shown = plain_text(browser.get("/api-docs").text)
    assert "GET /api/keys" in shown
    assert "keys:read" in shown
    assert "GET /api/me" in shown
    assert "Any active key" in shown


def test_the_owners_page_can_try_requests_by_session(browser: PageClient) -> None:
    """It has the token for that; a page that a key opened has none."""
    assert f'data-csrf="{browser.csrf}"' in browser.get("/api-docs").text
    secret = create_key(browser.instance, "Docs", scopes=("api:read",)).secret
    by_key = browser.another().get("/api-docs", x_api_key=secret)
    assert by_key.status == 200
    assert "data-csrf" not in by_key.text


def test_a_key_without_the_scope_is_refused_and_a_visitor_signs_in(browser: PageClient) -> None:
    """The description of the API is not public."""
    secret = create_key(browser.instance, "Other", scopes=("keys:read",)).secret
    assert browser.another().get("/api-docs", x_api_key=secret).status == 403
    assert browser.another().get("/api-docs").headers["location"] == "/sign-in?next=%2Fapi-docs"
