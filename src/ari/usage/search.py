"""Search filters of the usage log: those that an index serves, and those that are checked row by row."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Self, get_args

from ari.base.addresses import network_around
from ari.base.errors import Invalid, Problem
from ari.base.filters import Filters, parse_filters
from ari.keys.groups import KeyGroup
from ari.keys.reasons import ACCEPTED, REASONS, REQUEST_ERRORS
from ari.usage.model import Source, UsageFilter, UsageRow

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
CODES = (ACCEPTED, *REASONS, *REQUEST_ERRORS)
"""Every code that a row can have."""
SOURCES: tuple[Source, ...] = get_args(Source)
TEXT_LENGTH = 200
MAX_ROWS_READ = 10_000
"""Rows that one step of a search reads."""


@dataclass(frozen=True, slots=True)
class StatusRange:
    """HTTP statuses from ``low`` to ``high``; ``None`` for both means no response yet."""

    low: int | None
    high: int | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``404``, ``4xx`` or ``none``. Raises ``Invalid``."""
        if text == "none":
            return cls(None, None)
        if len(text) == 3 and text.isascii():
            if text[0] in "12345" and text[1:] == "xx":
                return cls(int(text[0]) * 100, int(text[0]) * 100 + 99)
            if text.isdigit() and 100 <= int(text) <= 599:
                return cls(int(text), int(text))
        raise Invalid(Problem("status", "Use a status such as 404, a class such as 4xx, or none."))


@dataclass(frozen=True, slots=True)
class UsageSearch:
    """``where`` uses indexes. ``addresses`` are all texts the log may hold for one client address.

    ``group`` are the keys of a consumer or tag. ``text`` is searched in path, route, address and user agent,
    ignoring the case of ASCII letters.
    """

    where: UsageFilter = field(default_factory=UsageFilter)
    method: str | None = None
    status: StatusRange | None = None
    text: str | None = None
    addresses: tuple[str, ...] | None = None
    source: Source | None = None
    group: KeyGroup | None = None

    @property
    def reads_rows(self) -> bool:
        """Whether the search must read rows, since no index has all of it."""
        by_row = (self.method, self.status, self.text, self.addresses, self.source, self.group)
        return any(value is not None for value in by_row)

    def within_span_only(self) -> "UsageSearch":
        """The same key and times without other filters."""
        return UsageSearch(replace(self.where, code=None))

    def within(self, since_ms: int | None, until_ms: int | None) -> "UsageSearch":
        """The same search within these times."""
        return replace(self, where=replace(self.where, since_ms=since_ms, until_ms=until_ms))


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Rows, newest first. ``next_before`` is a cursor if there may be more; ``searched_to_ms`` the oldest time read."""

    rows: list[UsageRow]
    next_before: str | None
    searched_to_ms: int | None = None


def method_of(text: str) -> str:
    """The HTTP method to search for. Raises ``Invalid``."""
    if not text.isascii() or text.upper() not in METHODS:
        raise Invalid(Problem("method", f"Choose one of {', '.join(METHODS)}."))
    return text.upper()


def code_of(text: str) -> str:
    """The code to search for: ``ok`` or a refusal's code. Raises ``Invalid``."""
    if text not in CODES:
        raise Invalid(Problem("code", "Unknown code. Use ok or an error code from the reference."))
    return text


def text_of(text: str) -> str | None:
    """The text to search for, as the log has it; ``None`` if it is blank. Raises ``Invalid`` if it is too long."""
    from ari.base.unfit_text import replace_unfit  # noqa: PLC0415 - lists of keys search no log

    stripped = replace_unfit(text.strip())
    if len(stripped) > TEXT_LENGTH:
        raise Invalid(Problem("q", f"Search for at most {TEXT_LENGTH} characters."))
    return stripped or None


def addresses_of(text: str) -> tuple[str, ...]:
    """All texts the log may hold for a client address: itself and the network that ``ARI_USAGE_ADDRESSES`` may keep.

    ``text`` may also be such a network. Raises ``Invalid``.
    """
    try:
        if "/" in text:
            return (str(ip_network(text.strip(), strict=False)),)
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        raise Invalid(Problem("address", "Use an IP address, or a network as shown in the log.")) from None
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return str(address), network_around(address, 24 if address.version == 4 else 48)


def source_of(text: str) -> Source:
    """The source to search for. Raises ``Invalid``."""
    found = next((source for source in SOURCES if source == text), None)
    if found is None:
        raise Invalid(Problem("source", f"Choose {' or '.join(SOURCES)}."))
    return found


FILTERS: Filters = {
    "code": ("code", code_of),
    "status": ("status", StatusRange.parse),
    "method": ("method", method_of),
    "address": ("addresses", addresses_of),
    "source": ("source", source_of),
    "q": ("text", text_of),
}


def parse_search(
    given: Mapping[str, str | None],
    key_id: str | None = None,
    since_ms: int | None = None,
    until_ms: int | None = None,
) -> UsageSearch:
    """The search with the filters that are given, by their names in ``FILTERS``.

    Raises ``Invalid`` with the problems of all of them.
    """
    found = parse_filters(FILTERS, given)
    where = UsageFilter(key_id, found.pop("code", None), since_ms, until_ms)
    return UsageSearch(where, **found)
