"""Each route belongs to one door."""

import pytest

from ari.http.request_metrics import find_door
from ari.metrics.catalog import DOORS
from tests.support.app import App


@pytest.mark.parametrize(
    ("template", "door"),
    [
        ("/api/verify", "verify"),
        ("/api/forward-auth/{original:path}", "forward_auth"),
        ("/api/ai/openai/v1/responses", "ai"),
        ("/api/keys/{key_id}", "api"),
        ("/metrics", "api"),
        ("/settings/api", "page"),
        ("(none)", "page"),
    ],
)
def test_doors_are_found_by_template(template: str, door: str) -> None:
    """An operator sees whether verifications are slow, or only pages."""
    assert find_door(template) == door


def test_every_route_has_a_door_that_is_counted(app: App) -> None:
    """A door that the catalog doesn't know would fail the request."""
    assert {find_door(route.template) for route in app.app.table.all()} == set(DOORS)
