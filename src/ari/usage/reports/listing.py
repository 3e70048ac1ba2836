"""One page of the list of keys, filtered and sorted by data from two databases.

Names and expiries are in the keys database, uses in the usage database, which on SQLite is another file: no query sees
both. So a list is one or two *runs*, each in the order of one database. A run is read in chunks; each chunk is looked
up in the other database, and keys that don't match are left out:

- by name, creation or expiry: a run of keys (by expiry a second one, of keys that never expire);
- by last use or number of requests: a run of totals, then the unused keys, newest first; reversed if ascending.

The keys of a consumer or with a tag, if they are few, are sorted by use in memory.

A page without a filter costs two to four statements for any number of keys. A narrow filter reads on, in growing
chunks, until the page is full. Keys may be used or renamed between two pages: a cursor has the value that its key was
sorted by, so that the next page continues there, but a key that moved may show twice or not at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from ari.keys.listing import UNUSED_MS, Cursor, KeyFilter, KeyListing, Order
from ari.keys.model import ApiKey
from ari.usage.model import NO_USE, KeyTotals

SortBy = Literal["name", "created", "used", "expires", "requests"]
SORTS: tuple[SortBy, ...] = ("name", "created", "used", "expires", "requests")
DESCENDING_FIRST = frozenset(("created", "used", "requests"))
"""Sorts that begin with the largest value by default."""
LONGEST_TEXT = 100
_LARGEST_CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Sort:
    """The order of a list; as text ``name`` or, descending, ``-name``."""

    by: SortBy = "created"
    descending: bool = True

    @classmethod
    def of(cls, text: str) -> "Sort | None":
        """Parse a sort; ``None`` if it is unknown."""
        by = text.removeprefix("-")
        return next((cls(known, text.startswith("-")) for known in SORTS if known == by), None)

    def __str__(self) -> str:
        return ("-" if self.descending else "") + self.by


NEWEST_FIRST = Sort()


class Listed(NamedTuple):
    """A key with its use and its cursor in the list."""

    key: ApiKey
    totals: KeyTotals
    place: Cursor


class Page(NamedTuple):
    """``after`` is the cursor of the next page, ``None`` at the end."""

    rows: list[Listed]
    after: Cursor | None


class UseListing(Protocol):
    """Queries of the usage log for lists."""

    def totals(self, key_ids: Sequence[str]) -> dict[str, KeyTotals]:
        """The totals of these keys; keys never used are absent."""

    def by_use(
        self, by: Literal["used", "requests"], descending: bool, after: Cursor | None, limit: int
    ) -> list[tuple[str, KeyTotals]]:
        """Keys that had an accepted request, including deleted keys."""


class _Run(Protocol):
    def chunk(self, after: Cursor | None, size: int) -> tuple[list[Listed], Cursor | None]:
        """Those of the next ``size`` that match, and the next cursor."""


def page_of_keys(
    keys: KeyListing, use: UseListing, where: KeyFilter, sort: Sort, after: Cursor | None, limit: int
) -> Page:
    """At most ``limit`` keys after the cursor."""
    rows: list[Listed] = []
    use = _narrow(keys, use, where, sort)
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


def _narrow(keys: KeyListing, use: UseListing, where: KeyFilter, sort: Sort) -> UseListing:
    """The uses of only those keys, if they are few and the sort is by use: a run of all totals would go on too long."""
    if sort.by not in ("used", "requests") or all(one is None for one in (where.consumer_id, where.tag, where.kind)):
        return use
    found = keys.run(where, Order("created", descending=True), None, _LARGEST_CHUNK + 1)
    return use if len(found) > _LARGEST_CHUNK else _UseOfFew(use.totals([key.id for key in found]) if found else {})


@dataclass(frozen=True, slots=True)
class _UseOfFew:
    """Fulfils ``UseListing`` from totals in memory."""

    found: Mapping[str, KeyTotals]

    def totals(self, key_ids: Sequence[str]) -> dict[str, KeyTotals]:
        return {key_id: self.found[key_id] for key_id in key_ids if key_id in self.found}

    def by_use(
        self, by: Literal["used", "requests"], descending: bool, after: Cursor | None, limit: int
    ) -> list[tuple[str, KeyTotals]]:
        used = [
            (one.request_count if by == "requests" else one.last_used_at_ms, key_id)
            for key_id, one in self.found.items()
            if one.last_used_at_ms is not None
        ]
        if after is not None:
            used = [place for place in used if (place < after if descending else place > after)]
        return [(key_id, self.found[key_id]) for _, key_id in sorted(used, reverse=descending)[:limit]]


def _runs(
    keys: KeyListing, use: UseListing, where: KeyFilter, sort: Sort, after: Cursor | None
) -> list[tuple[_Run, Cursor | None]]:
    """The runs still to read, each with its first cursor."""
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
    """Reads in an order of the keys database; ``unused_only`` leaves out the keys of the other run."""

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
    """Reads in an order of the usage database."""

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
