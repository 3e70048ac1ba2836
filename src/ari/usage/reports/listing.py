"""One page of the list of keys, narrowed and sorted by what two databases know.

Names and expiries stand in the keys database, uses in the usage database, which on SQLite is another file: no query
sees both. So a list is one or two *runs*, each in the order of one database. A run is read in chunks; each chunk is
looked up in the other database, and what does not fit is left out:

- by name, creation or expiry: a run of keys (by expiry a second one, of keys that have none);
- by last use or number of requests: a run of totals, then the keys without a use, newest first; upwards the other way
  round.

A page that nothing narrows costs two to four statements, whatever the number of keys. A narrow filter reads on, in
growing chunks, until the page is full. Between two pages keys may be used or renamed: a cursor holds the number that
its key was sorted by, so that a page goes on where the one before ended, but a key that moved may show twice or not at
all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from ari.keys.listing import UNUSED_MS, Cursor, KeyFilter, KeyListing, Order
from ari.keys.model import ApiKey
from ari.usage.model import NO_USE, KeyTotals

SortBy = Literal["name", "created", "used", "expires", "requests"]
SORTS: tuple[SortBy, ...] = ("name", "created", "used", "expires", "requests")
DESCENDING_FIRST = frozenset(("created", "used", "requests"))
"""What one wants to see from above; names and expiries from below."""
LONGEST_TEXT = 100
_LARGEST_CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Sort:
    """How a list is sorted; as text ``name`` or, downwards, ``-name``."""

    by: SortBy = "created"
    descending: bool = True

    @classmethod
    def of(cls, text: str) -> "Sort | None":
        """``None`` for a text that is no sort."""
        by = text.removeprefix("-")
        return next((cls(known, text.startswith("-")) for known in SORTS if known == by), None)

    def __str__(self) -> str:
        return ("-" if self.descending else "") + self.by


NEWEST_FIRST = Sort()


class Listed(NamedTuple):
    """A key with its use, and its place in the list."""

    key: ApiKey
    totals: KeyTotals
    place: Cursor


class Page(NamedTuple):
    """``after`` is the place to go on from, ``None`` at the end."""

    rows: list[Listed]
    after: Cursor | None


class UseListing(Protocol):
    """What lists ask the usage log."""

    def totals(self, key_ids: Sequence[str]) -> dict[str, KeyTotals]:
        """The totals of these keys; keys never used are absent."""

    def by_use(
        self, by: Literal["used", "requests"], descending: bool, after: Cursor | None, limit: int
    ) -> list[tuple[str, KeyTotals]]:
        """Keys that had an accepted request, deleted ones among them."""


class _Run(Protocol):
    def chunk(self, after: Cursor | None, size: int) -> tuple[list[Listed], Cursor | None]:
        """What fits of the next ``size``, and the place to go on from."""


def page_of_keys(
    keys: KeyListing, use: UseListing, where: KeyFilter, sort: Sort, after: Cursor | None, limit: int
) -> Page:
    """At most ``limit`` keys after that place."""
    rows: list[Listed] = []
    size = limit + 1
    for run, begin in _runs(keys, use, where, sort, after):
        place = begin
        while len(rows) <= limit:
            found, place = run.chunk(place, size)
            rows += found
            size = min(2 * size, _LARGEST_CHUNK)
            if place is None:
                break
    return Page(rows[:limit], rows[limit - 1].place if len(rows) > limit else None)


def _runs(
    keys: KeyListing, use: UseListing, where: KeyFilter, sort: Sort, after: Cursor | None
) -> list[tuple[_Run, Cursor | None]]:
    """The runs still to read, each with the place where to begin."""
    if sort.by == "name" or sort.by == "created":
        return [(_KeysRun(keys, use, where, Order(sort.by, sort.descending)), after)]
    if sort.by == "expires":
        valued: _Run = _KeysRun(keys, use, where, Order("expires", sort.descending))
        rest: _Run = _KeysRun(keys, use, where, Order("created", descending=True, endless=True))
        rest_first = sort.descending
    else:
        valued = _UseRun(keys, use, where, sort.by, sort.descending)
        rest = _KeysRun(keys, use, where, Order("created", descending=True), unused_only=True)
        rest_first = not sort.descending
    runs = [rest, valued] if rest_first else [valued, rest]
    if after is None:
        return [(run, None) for run in runs]
    current = rest if after.value is None else valued
    return [(run, after if run is current else None) for run in runs[runs.index(current) :]]


@dataclass(frozen=True, slots=True)
class _KeysRun:
    """In an order of the keys database; ``unused_only`` leaves out what the other run of the list holds."""

    keys: KeyListing
    use: UseListing
    where: KeyFilter
    order: Order
    unused_only: bool = False

    def chunk(self, after: Cursor | None, size: int) -> tuple[list[Listed], Cursor | None]:
        found = self.keys.run(self.where, self.order, after, size)
        totals = self.use.totals([key.id for key in found]) if found else {}
        rows = [Listed(key, totals.get(key.id, NO_USE), self._place(key)) for key in found]
        fitting = [row for row in rows if _fits(self.where, row) and not (self.unused_only and _was_used(row))]
        return fitting, rows[-1].place if len(found) == size else None

    def _place(self, key: ApiKey) -> Cursor:
        return Cursor(key.expires_at_ms if self.order.by == "expires" else None, key.id)


@dataclass(frozen=True, slots=True)
class _UseRun:
    """In an order of the usage database."""

    keys: KeyListing
    use: UseListing
    where: KeyFilter
    by: Literal["used", "requests"]
    descending: bool

    def chunk(self, after: Cursor | None, size: int) -> tuple[list[Listed], Cursor | None]:
        used = self.use.by_use(self.by, self.descending, after, size)
        found = {key.id: key for key in self.keys.among(self.where, [key_id for key_id, _ in used])} if used else {}
        rows = [
            Listed(found[key_id], totals, self._place(key_id, totals)) for key_id, totals in used if key_id in found
        ]
        last = self._place(*used[-1]) if len(used) == size else None
        return [row for row in rows if _fits(self.where, row)], last

    def _place(self, key_id: str, totals: KeyTotals) -> Cursor:
        return Cursor(totals.last_used_at_ms if self.by == "used" else totals.request_count, key_id)


def _was_used(row: Listed) -> bool:
    return row.totals.last_used_at_ms is not None


def _fits(where: KeyFilter, row: Listed) -> bool:
    used_at_ms = row.totals.last_used_at_ms
    if where.show == "never-used":
        return used_at_ms is None
    return where.show != "unused" or used_at_ms is None or used_at_ms <= where.now_ms - UNUSED_MS
