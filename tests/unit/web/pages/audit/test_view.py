"""Links and values of the audit page."""

import pytest

from ari.base.events import Event, Origin
from ari.base.ids import new_id
from ari.web.pages.audit.view import find_page, format_value, list_key_ids
from tests.support.instances import START_MS

KEY, ACCOUNT = new_id("key", START_MS), new_id("usr", START_MS)
WEBHOOK = "whk_01M7F0QKZ4W3J8N5T2V6X9Y1CA"


def _event(name: str, subject: str | None, actor: str = "system") -> Event:
    return Event("evt_1", START_MS, name, actor, subject, Origin("web"))


@pytest.mark.parametrize(
    ("event", "url"),
    [
        (_event("provider_key_added", "openai"), "/settings/integrations#integration-openai"),
        (_event("notification_switched", "key_created"), "/settings/notifications"),
        (_event("signed_in", ACCOUNT), "/settings/security"),
        (_event("key_created", KEY), None),
        (_event("budget_threshold_reached", "provider:openai"), "/settings/integrations#integration-openai"),
        (_event("budget_threshold_reached", "instance"), "/settings/usage/ai"),
        (_event("webhook_added", WEBHOOK), f"/settings/webhooks/{WEBHOOK}"),
        (_event("webhook_removed", WEBHOOK), None),
        (_event("mail_tested", "mail"), None),
        (_event("backup_written", None), None),
    ],
)
def test_things_lead_to_their_pages(event: Event, url: str | None) -> None:
    """Keys are named on their own; what has no page is only named."""
    found = find_page(event)
    assert (found[1] if found else None) == url


def test_keys_are_those_of_actors_and_subjects() -> None:
    """Names of notifications begin like IDs of keys, and are none."""
    events = [_event("key_created", KEY, "cli:alice"), _event("notification_switched", "key_created", KEY)]
    assert list_key_ids(events) == [KEY]


@pytest.mark.parametrize(
    ("value", "words"), [(True, "yes"), (False, "no"), (None, "–"), (["a", 1], "a, 1"), ("x", "x"), (0, "0")]
)
def test_values_are_plain(value: object, words: str) -> None:
    """JSON is for programs."""
    assert format_value(value) == words
