"""What kinds of notices look up to write their emails."""

from collections.abc import Mapping

from ari.base.events import Event
from ari.base.user_agent import browser_name
from ari.notifications import text
from ari.notifications.model import Subject
from ari.notifications.ports import EventFeed


class NoticeContext:
    """Names, times and origins of events, as the owner reads them.

    ``secret`` is the payload given to ``outbox.post_secret`` for this notice; empty for all others.
    """

    def __init__(self, feed: EventFeed, zone: str, secret: Mapping[str, str] | None = None) -> None:
        self._feed = feed
        self._zone = zone
        self.secret: Mapping[str, str] = secret or {}

    def format_time(self, at_ms: int) -> str:
        """The time in the owner's zone and in UTC."""
        return text.format_time(at_ms, self._zone)

    def name_actor(self, event: Event) -> str:
        """Who caused the event."""
        actor = event.actor
        if actor.startswith("usr_"):
            return "The owner, signed in"
        if actor.startswith("cli:"):
            return f"{text.quote(actor.removeprefix('cli:'))} on the command line"
        if actor.startswith("key_"):
            found = self.find_key(actor)
            return f"The API key {text.quote(found.name)}" if found else "An API key"
        return "ARI"

    def describe_origin(self, event: Event) -> str | None:
        """The client's IP address and browser, if known."""
        address, agent = event.origin.client_address, event.origin.user_agent
        if address is None:
            return None
        return text.join_addresses([address]) + (f", {text.defang(browser_name(agent))}" if agent else "")

    def find_key(self, subject_id: str | None) -> Subject | None:
        """The key with this id, also if it was deleted."""
        return None if subject_id is None else self._feed.subject(subject_id)
