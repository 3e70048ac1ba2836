"""Read the table of keys and the recommendations."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ari import keys
from ari.base.errors import Invalid
from ari.keys.listing import Cursor, KeyCounts, KeyFilter, KeyListTransaction, asks_log
from ari.keys.model import ApiKey, Consumer
from ari.keys.ports import KeyTransaction
from ari.keys.presets import Preset, merge_presets
from ari.usage import advice as usage_advice
from ari.usage.advice import Dismissals, Recommendation
from ari.usage.model import KeyTotals
from ari.usage.reports.daily import every_day, first_day_ms
from ari.usage.reports.key_use import KeyUse
from ari.usage.reports.listing import NEWEST_FIRST, Page, page_of_keys
from ari.web.pages.settings_api.sparkline import Sparkline, draw_sparkline
from ari.web.pages.settings_api.urls import KeysView

MAX_COUNTED = 1_000
_SUGGESTED = 50
"""Tags and consumers to suggest."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key of the table."""

    key: ApiKey
    totals: KeyTotals
    sparkline: Sparkline


@dataclass(frozen=True, slots=True)
class KeyTable:
    """One page of the table; ``counts`` are of all keys, ``after`` is the cursor of the next page.

    ``matching`` is how many keys match on all pages, at most ``MAX_COUNTED`` of them if the usage log must be asked.
    ``problems`` are those with the filters: then no key is shown.
    """

    rows: list[KeyRow]
    matching: int
    counts: KeyCounts
    after: Cursor | None
    presets: Collection[Preset]
    tags: list[str]
    consumers: list[Consumer]
    kinds: list[str]
    problems: Mapping[str, str] = field(default_factory=dict)


class ListingTransaction(KeyListTransaction, Protocol):
    """One transaction over lists of keys and dismissed advice."""

    @property
    def dismissals(self) -> Dismissals: ...


def read_table(tx: ListingTransaction, usage: KeyUse, view: KeysView) -> KeyTable:
    """The page of the table that this view shows."""
    now_ms = tx.now_ms
    problems: dict[str, str] = {}
    try:
        where = build_filter(tx, view)
        found = page_of_keys(tx.listing, usage, where, view.sort, view.after, view.size)
        matching = _count(tx, usage, where, view, found)
    except Invalid as error:
        problems = {problem.location: problem.message for problem in error.problems}
        found, matching = Page([], None), 0
    days = usage.days([row.key.id for row in found.rows], first_day_ms(now_ms)) if found.rows else {}
    rows = [
        KeyRow(row.key, row.totals, draw_sparkline(every_day(days.get(row.key.id, []), now_ms))) for row in found.rows
    ]
    return KeyTable(
        rows,
        matching,
        tx.listing.counts(now_ms),
        found.after,
        merge_presets(tx.presets.all()).values(),
        tx.listing.list_tags(_SUGGESTED),
        tx.consumers.page("", None, _SUGGESTED),
        [kind.name for kind in tx.kinds.all()],
        problems,
    )


def build_filter(tx: KeyTransaction, view: KeysView) -> KeyFilter:
    """The filter of this view. Raises ``Invalid`` for a consumer or kind that doesn't exist, or what can't be a tag."""
    return keys.make_filter(
        tx,
        text=view.text,
        show=view.show,
        consumer=view.consumer or None,
        tag=view.tag or None,
        environment=view.environment or None,
        kind=view.kind or None,
    )


def _count(tx: ListingTransaction, usage: KeyUse, where: KeyFilter, view: KeysView, found: Page) -> int:
    if view.after is None and found.after is None:
        return len(found.rows)
    if not asks_log(view.show):
        return tx.listing.count(where)
    return len(page_of_keys(tx.listing, usage, where, NEWEST_FIRST, None, MAX_COUNTED).rows)


def find_advice(tx: ListingTransaction, usage: KeyUse) -> list[Recommendation]:
    """The recommendations that were not dismissed."""
    return usage_advice.recommendations(tx.listing, tx.dismissals, usage, tx.now_ms)


def dismiss(tx: ListingTransaction, usage: KeyUse, kind: str, mark: str) -> bool:
    """Dismiss one recommendation; ``False`` if none has this kind and mark any more."""
    for finding in find_advice(tx, usage):
        if finding.kind == kind and finding.mark == mark:
            usage_advice.dismiss(tx.dismissals, finding, tx.now_ms)
            return True
    return False
