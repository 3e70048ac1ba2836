"""URLs of Settings > API, and the view of its table that a URL asks for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from ari.keys.listing import SHOWN, Cursor, Show
from ari.usage.reports.listing import DESCENDING_FIRST, LONGEST_TEXT, NEWEST_FIRST, Sort, SortBy
from ari.web.navigation import KEY_ID, Toast

SETTINGS = "/settings"
HOME = f"{SETTINGS}?tab=api"
DISMISS = "/settings/advice/dismiss"
OWNERSHIP = ("consumer", "tag", "environment", "kind")
_PARTS = ("q", "show", *OWNERSHIP, "sort", "size", "after")
PAGE_SIZES = (20, 50, 100)
"""Keys on one page; the first is the usual one."""
_PART = rf"&(?:{'|'.join(_PARTS)})=[0-9A-Za-z%+._~*-]{{0,{12 * LONGEST_TEXT}}}"
RETURN_TO = (rf"{SETTINGS}(?:\?tab=api(?:{_PART}){{0,{len(_PARTS)}}})?",)
_LONGEST_REFERENCE = 200
_AFTER = re.compile(rf"([0-9]{{0,16}})\.({KEY_ID})")

DISMISSED = Toast("dismissed", "Dismissed. You'll see it again if something changes.")
NOT_DISMISSED = Toast("not-dismissed", "This changed in the meantime. Take another look.")


@dataclass(frozen=True, slots=True)
class KeysView:
    """The state of the table of keys: search, filters, sort order and page.

    ``consumer`` is an ID or external ID. It, ``tag``, ``environment`` and ``kind`` are as they were typed, empty = any.
    """

    text: str = ""
    show: Show = "all"
    consumer: str = ""
    tag: str = ""
    environment: str = ""
    kind: str = ""
    sort: Sort = NEWEST_FIRST
    size: int = PAGE_SIZES[0]
    after: Cursor | None = None

    @property
    def narrowed(self) -> bool:
        """Whether keys may be hidden."""
        return bool(self.text or self.ownership) or self.show != "all"

    @property
    def ownership(self) -> dict[str, str]:
        """The filters by consumer, tag, environment and kind that are set."""
        return {name: value for name in OWNERSHIP if (value := getattr(self, name))}

    @property
    def filters(self) -> dict[str, str]:
        """The search and the filters that are set, as query parameters."""
        found = {"q": self.text, "show": "" if self.show == "all" else self.show, **self.ownership}
        return {name: value for name, value in found.items() if value}

    def sort_by(self, by: SortBy) -> "KeysView":
        """The first page sorted by this; the other way round if it is so already."""
        descending = not self.sort.descending if self.sort.by == by else by in DESCENDING_FIRST
        return replace(self, sort=Sort(by, descending), after=None)

    def from_place(self, after: Cursor | None) -> "KeysView":
        """The same from another place on."""
        return replace(self, after=after)

    def with_size(self, size: int) -> "KeysView":
        """The same page with so many keys."""
        return replace(self, size=size)


def parse_view(given: Mapping[str, str]) -> KeysView | None:
    """The view that an address asks for; an empty part is the usual one, ``None`` if there is no such view."""
    show, sort, size, after = (given.get(name, "") for name in ("show", "sort", "size", "after"))
    sorting = Sort.of(sort) if sort else NEWEST_FIRST
    shown = next((known for known in SHOWN if known == show), None) if show else "all"
    sized = next((known for known in PAGE_SIZES if str(known) == size), None) if size else PAGE_SIZES[0]
    place = _AFTER.fullmatch(after) if after else None
    if sorting is None or shown is None or sized is None or (after and place is None):
        return None
    text = _clean(given.get("q", ""))[:LONGEST_TEXT]
    ownership = {name: _clean(given.get(name, ""))[:_LONGEST_REFERENCE] for name in OWNERSHIP}
    cursor = place and Cursor(int(place[1]) if place[1] else None, place[2])
    return KeysView(text, shown, **ownership, sort=sorting, size=sized, after=cursor)


def _clean(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable()).strip()


def table(view: KeysView) -> str:
    """The table of keys; what is usual is left out of the address."""
    parts = [HOME, *(f"{name}={quote(value, safe='')}" for name, value in view.filters.items())]
    if view.sort != NEWEST_FIRST:
        parts.append(f"sort={view.sort}")
    if view.size != PAGE_SIZES[0]:
        parts.append(f"size={view.size}")
    if view.after is not None:
        parts.append(f"after={'' if view.after.value is None else view.after.value}.{view.after.key_id}")
    return "&".join(parts)


def view_of_consumer(consumer_id: str) -> KeysView:
    """The keys of this consumer."""
    return KeysView(consumer=consumer_id)
