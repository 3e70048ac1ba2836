"""Search filters of the audit log, the same at every door, and the pages that a search returns."""

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Protocol

from ari.base.errors import Invalid, NotFound, Problem
from ari.base.events import EVENT_NAMES, Event
from ari.base.filters import Filters, parse_filters

DOORS = ("web", "api", "cli", "system")
TEXT_LENGTH = 200
MAX_EVENTS_READ = 10_000
"""Events that one step of a search reads."""
_UNSEARCHABLE = ("Cc", "Cs")
"""Control characters and parts of characters, which no search sends to a database."""


@dataclass(frozen=True, slots=True)
class EventSearch:
    """Filters of the audit log; all of them must match.

    ``text`` is searched in name, actor, subject, address, user agent and detail, ignoring case; other IDs are random
    and contain any short text. ``keys_only`` hides all events that aren't about keys: a search can't find them, and its
    cursors never name them.
    """

    names: tuple[str, ...] | None = None
    actor: str | None = None
    subject: str | None = None
    door: str | None = None
    address: str | None = None
    request_id: str | None = None
    text: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    keys_only: bool = False

    @property
    def is_limited_in_time(self) -> bool:
        return self.since_ms is not None or self.until_ms is not None

    @property
    def reads_rows(self) -> bool:
        """Whether the search must read events one by one, since no index has all of it."""
        by_row = (self.names, self.actor, self.door, self.address, self.request_id, self.text)
        return any(value is not None for value in by_row) or (self.subject is not None and self.is_limited_in_time)


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events, newest first.

    ``next_before`` is a cursor if there may be more; ``searched_to_ms`` is the time of the last event read.
    """

    events: list[Event]
    next_before: str | None
    searched_to_ms: int | None = None


class SearchableEvents(Protocol):
    def search(self, search: EventSearch, before_id: str | None, limit: int) -> EventPage:
        """At most ``limit`` matching events, newest first, those after the event ``before_id`` in this order.

        Reads at most ``MAX_EVENTS_READ`` events, so a page may be empty and not be the last one.
        """

    def get(self, event_id: str) -> Event | None:
        """The event with this ID."""

    def hash_of(self, event_id: str) -> str | None:
        """Its hash in the chain."""


class EventReading(Protocol):
    """A transaction that reads the audit log."""

    @property
    def events(self) -> SearchableEvents: ...


def find_events(tx: EventReading, search: EventSearch, before_id: str | None, limit: int) -> EventPage:
    """One page of a search of the audit log."""
    return tx.events.search(search, before_id, limit)


def get_event(tx: EventReading, event_id: str) -> tuple[Event, str]:
    """An event and its hash. Raises ``NotFound``."""
    event, chained = tx.events.get(event_id), tx.events.hash_of(event_id)
    if event is None or chained is None:
        raise NotFound("There is no such event. Retention may have removed it.")
    return event, chained


def list_batches(find: Callable[[str | None], EventPage]) -> Iterator[list[Event]]:
    """The events of all pages that ``find`` returns for their cursors, page by page; a batch may be empty."""
    before: str | None = None
    while True:
        found = find(before)
        yield found.events
        before = found.next_before
        if before is None:
            return


def parse_names(text: str) -> tuple[str, ...]:
    """Event names, separated by commas. Raises ``Invalid``."""
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names or any(name not in EVENT_NAMES for name in names):
        raise Invalid(Problem("name", "Use names of events from the reference, such as key_revoked."))
    return names


def parse_door(text: str) -> str:
    """The door of an event. Raises ``Invalid``."""
    if text not in DOORS:
        raise Invalid(Problem("door", f"Choose {', '.join(DOORS[:-1])} or {DOORS[-1]}."))
    return text


def parse_address(text: str) -> str:
    """A client address as events hold it. Raises ``Invalid``."""
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        raise Invalid(Problem("address", "Use an IP address.")) from None
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return str(address)


def _parse_text(name: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        stripped = text.strip()
        if not stripped or len(stripped) > TEXT_LENGTH:
            raise Invalid(Problem(name, f"Use 1–{TEXT_LENGTH} characters."))
        if any(unicodedata.category(letter) in _UNSEARCHABLE for letter in stripped):
            raise Invalid(Problem(name, "Use text without control characters."))
        return stripped

    return parse


FILTERS: Filters = {
    "name": ("names", parse_names),
    "actor": ("actor", _parse_text("actor")),
    "subject": ("subject", _parse_text("subject")),
    "door": ("door", parse_door),
    "address": ("address", parse_address),
    "request_id": ("request_id", _parse_text("request_id")),
    "q": ("text", _parse_text("q")),
}


def parse_event_search(
    given: Mapping[str, str | None], since_ms: int | None = None, until_ms: int | None = None
) -> EventSearch:
    """The search with the filters that are given, by their names in ``FILTERS``.

    Raises ``Invalid`` with the problems of all of them.
    """
    return EventSearch(**parse_filters(FILTERS, given), since_ms=since_ms, until_ms=until_ms)
