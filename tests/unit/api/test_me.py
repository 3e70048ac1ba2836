"""``/api/me``: who calls."""

from tests.support.app import App, content_of
from tests.support.commands import create_key


def test_a_key_learns_about_itself_without_any_scope(app: App) -> None:
    """The quickest test of a key, so it needs no right; its own requests are counted in it."""
    made = create_key(app.instance, "Laptop", scopes=("api:read",))
    first = content_of(app("GET", "/api/me", made.secret))
    assert first["type"] == "api_key"
    assert (first["key"]["id"], first["key"]["name"]) == (made.key.id, "Laptop")
    assert made.secret not in str(first)
    assert app.rows()[0].route == "/api/me"


def test_head_says_whether_a_key_works_and_is_logged_too(app: App) -> None:
    """RFC 9110 §9.3.2: the head of GET, without a body."""
    response = app("HEAD", "/api/me", app.key())
    assert (response.status, response.body) == (200, b"")
    assert [(row.method, row.code) for row in app.rows()] == [("HEAD", "ok")]
