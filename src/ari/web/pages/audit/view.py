"""What Settings > Audit shows next to the events themselves."""

import re
from collections.abc import Iterable
from datetime import datetime

from ari.base.events import Event, find_recorded_name
from ari.base.ids import is_id
from ari.integrations.providers import providers
from ari.keys.ports import KeyTransaction
from ari.web.event_words import group_names
from ari.web.pages.integrations import urls as integration_urls
from ari.web.pages.notifications import urls as notification_urls
from ari.web.pages.security import urls as security_urls
from ari.web.pages.usage_ai import urls as usage_urls
from ari.web.pages.webhooks import urls as webhook_urls

EVENTS_A_PAGE = 25
DOOR_NAMES = {"web": "Pages", "api": "API", "cli": "Command line", "system": "ARI"}
NAME_GROUPS = group_names()
_TIME = re.compile(r"20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{3}Z", re.ASCII)


DETAIL_NAMES = {"hint": "Prefix", "old_hint": "Old prefix", "number": "Secret number"}
"""The glossary's terms for these fields of an event's detail."""


def find_time(value: object) -> int | None:
    """The milliseconds of a value that is a time, which pages show in the viewer's zone."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return None
    try:
        return int(datetime.fromisoformat(value).timestamp() * 1000)
    except ValueError:
        return None


def list_key_ids(events: Iterable[Event]) -> list[str]:
    """The IDs of keys that did something or that something was done to."""
    return sorted({text for event in events for text in (event.actor, event.subject) if text and is_id("key", text)})


def read_consumer_names(tx: KeyTransaction, events: Iterable[Event]) -> dict[str, str]:
    """The names of the consumers that the events are about; one that was deleted is absent."""
    ids = {event.subject for event in events if event.subject and is_id("con", event.subject)}
    found = (tx.consumers.get(one) for one in sorted(ids))
    return {one.id: one.name for one in found if one is not None}


def find_page(event: Event) -> tuple[str, str | None] | None:
    """The title and URL of the page of the event's subject, if that isn't a key; a removed webhook has only a title."""
    subject = event.subject or ""
    if event.name == "notification_switched":
        return "Notifications", notification_urls.NOTIFICATIONS
    provider = subject.removeprefix("provider:")
    if provider in providers():
        return providers()[provider].title, integration_urls.card(provider)
    if subject == "instance":
        return "This instance", usage_urls.USAGE_AI
    if is_id("whk", subject):
        url = None if event.name == "webhook_removed" else webhook_urls.show(subject)
        return find_recorded_name(event) or "Webhook", url
    if is_id("usr", subject):
        return "Account security", security_urls.SECURITY
    return None


def format_value(value: object) -> str:
    """A value of an event's detail."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(format_value, value))
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')}: {format_value(one)}" for name, one in value.items())
    return "–" if value is None else str(value)
