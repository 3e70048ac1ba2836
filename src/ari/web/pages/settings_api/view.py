"""Read the table of keys and the recommendations."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from ari.base.transaction import CommandTransaction
from ari.keys.listing import Cursor, KeyCounts, KeyFilter, KeyListing
from ari.keys.model import ApiKey
from ari.keys.ports import PresetStore
from ari.keys.presets import Preset, merge_presets
from ari.usage import advice as usage_advice
from ari.usage.advice import Dismissals, Recommendation
from ari.usage.model import KeyTotals
from ari.usage.reports.daily import every_day, first_day_ms
from ari.usage.reports.key_use import KeyUse
from ari.usage.reports.listing import page_of_keys
from ari.web.pages.settings_api.sparkline import Sparkline, draw_sparkline
from ari.web.pages.settings_api.urls import KeysView

PAGE_SIZE = 20


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key of the table."""

    key: ApiKey
    totals: KeyTotals
    sparkline: Sparkline


@dataclass(frozen=True, slots=True)
class KeyTable:
    """One page of the table; ``counts`` are of all keys, ``after`` is the cursor of the next page."""

    rows: list[KeyRow]
    counts: KeyCounts
    after: Cursor | None
    presets: Collection[Preset]


class ListingTransaction(CommandTransaction, Protocol):
    """One transaction over lists of keys, dismissed advice and events."""

    @property
    def listing(self) -> KeyListing: ...

    @property
    def dismissals(self) -> Dismissals: ...

    @property
    def presets(self) -> PresetStore: ...


def read_table(tx: ListingTransaction, usage: KeyUse, view: KeysView) -> KeyTable:
    """The page of the table that this view shows."""
    now_ms = tx.now_ms
    where = KeyFilter(now_ms, view.text, view.show)
    found = page_of_keys(tx.listing, usage, where, view.sort, view.after, PAGE_SIZE)
    days = usage.days([row.key.id for row in found.rows], first_day_ms(now_ms)) if found.rows else {}
    rows = [
        KeyRow(row.key, row.totals, draw_sparkline(every_day(days.get(row.key.id, []), now_ms))) for row in found.rows
    ]
    return KeyTable(rows, tx.listing.counts(now_ms), found.after, merge_presets(tx.presets.all()).values())


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
