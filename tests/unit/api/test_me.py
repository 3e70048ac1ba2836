"""``/api/me``: who calls."""

from ari import keys
from ari.base.clock import HOUR_MS, to_rfc3339
from ari.deps import Deps
from ari.keys import Rotation
from tests.support.app import App, content_of
from tests.support.commands import clock_of, create_key


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


def test_a_program_learns_that_its_secret_was_replaced(app: App) -> None:
    """And until when it works, so it can fetch the new one in time."""
    made = create_key(app.instance, "Laptop")
    fields = ("secret_number", "secret_replaced_at", "secret_retires_at")
    assert [content_of(app("GET", "/api/me", made.secret))[name] for name in fields] == [1, None, None]
    now_ms = clock_of(app.instance).now_ms()
    rotated = Deps(app.instance).do_sync(keys.rotate, made.key.id, Rotation(overlap="1h"))
    times = [to_rfc3339(now_ms), to_rfc3339(now_ms + HOUR_MS)]
    assert [content_of(app("GET", "/api/me", made.secret))[name] for name in fields] == [1, *times]
    assert [content_of(app("GET", "/api/me", rotated.secret))[name] for name in fields] == [2, None, None]
