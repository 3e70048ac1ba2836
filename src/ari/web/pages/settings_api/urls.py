"""URLs of Settings > API, and the view of its table that a URL asks for."""

import re
from dataclasses import dataclass, replace
from urllib.parse import quote

from ari.keys.listing import SHOWN, Cursor, Show
from ari.usage.reports.listing import DESCENDING_FIRST, LONGEST_TEXT, NEWEST_FIRST, Sort, SortBy
from ari.web.navigation import KEY_ID, Toast

SETTINGS = "/settings"
HOME = f"{SETTINGS}?tab=api"
DISMISS = "/settings/advice/dismiss"
RETURN_TO = (rf"{SETTINGS}(?:\?tab=api(?:&(?:q|show|sort|after)=[0-9A-Za-z%+._~*-]{{0,{12 * LONGEST_TEXT}}}){{0,4}})?",)
_AFTER = re.compile(rf"(\d{{0,16}})\.({KEY_ID})")

DISMISSED = Toast("dismissed", "Dismissed. You'll see it again if something changes.")
NOT_DISMISSED = Toast("not-dismissed", "This changed in the meantime. Take another look.")


@dataclass(frozen=True, slots=True)
class KeysView:
    """The state of the table of keys: search, filter, sort order and page."""

    text: str = ""
    show: Show = "all"
    sort: Sort = NEWEST_FIRST
    after: Cursor | None = None

    @property
    def narrowed(self) -> bool:
        """Whether keys may be hidden."""
        return bool(self.text) or self.show != "all"

    def sort_by(self, by: SortBy) -> "KeysView":
        """The first page sorted by this; the other way round if it is so already."""
        descending = not self.sort.descending if self.sort.by == by else by in DESCENDING_FIRST
        return replace(self, sort=Sort(by, descending), after=None)

    def from_place(self, after: Cursor | None) -> "KeysView":
        """The same from another place on."""
        return replace(self, after=after)


def parse_view(text: str, show: str, sort: str, after: str) -> KeysView | None:
    """The view that an address asks for; an empty part is the usual one, ``None`` if there is no such view."""
    sorting = Sort.of(sort) if sort else NEWEST_FIRST
    shown = next((known for known in SHOWN if known == show), None) if show else "all"
    place = _AFTER.fullmatch(after) if after else None
    if sorting is None or shown is None or (after and place is None):
        return None
    clean = "".join(letter for letter in text if letter.isprintable()).strip()[:LONGEST_TEXT]
    return KeysView(clean, shown, sorting, place and Cursor(int(place[1]) if place[1] else None, place[2]))


def table(view: KeysView) -> str:
    """The table of keys; what is usual is left out of the address."""
    parts = [HOME]
    if view.text:
        parts.append(f"q={quote(view.text, safe='')}")
    if view.show != "all":
        parts.append(f"show={view.show}")
    if view.sort != NEWEST_FIRST:
        parts.append(f"sort={view.sort}")
    if view.after is not None:
        parts.append(f"after={'' if view.after.value is None else view.after.value}.{view.after.key_id}")
    return "&".join(parts)
