"""The introduction of the OpenAPI document names what ARI really reads."""

from typing import Any

from ari.api.about import TAGS, security_schemes
from ari.base.settings import Settings
from ari.http.cookies import session_cookie_name
from tests.support.app import App


def test_the_session_scheme_names_the_cookie_of_this_instance() -> None:
    """It differs under https and for another port; the API reference signs in with it."""
    for settings in (Settings(), Settings(public_url="https://ari.example.net")):
        assert security_schemes(settings)["Session"]["name"] == session_cookie_name(settings)


def test_every_operation_has_a_described_tag(app: App) -> None:
    """An operation under another tag would have no place in the API docs."""
    fastapi: Any = app.app.app
    used = {tag for route in fastapi.routes for tag in getattr(route, "tags", ())}
    assert used == set(TAGS)
