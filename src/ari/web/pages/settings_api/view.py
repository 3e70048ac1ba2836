"""What the table of keys shows, read in one go."""

from dataclasses import dataclass

from ari.keys.listing import Cursor, KeyCounts, KeyFilter
from ari.keys.model import ApiKey
from ari.storage.transaction import Transaction
from ari.storage.usage.store import UsageTables
from ari.usage import advice as usage_advice
from ari.usage.advice import Recommendation
from ari.usage.model import KeyTotals
from ari.usage.reports.daily import every_day, first_day_ms
from ari.usage.reports.listing import page_of_keys
from ari.web.pages.settings_api.chart import Chart, chart_of
from ari.web.pages.settings_api.urls import KeysView

PAGE_SIZE = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A key of the table."""

    key: ApiKey
    totals: KeyTotals
    chart: Chart


@dataclass(frozen=True, slots=True)
class KeyTable:
    """One page of the table; ``counts`` are of all keys, ``after`` is the place to go on from."""

    rows: list[Row]
    counts: KeyCounts
    after: Cursor | None


def key_table(unit: Transaction, usage: UsageTables, now_ms: int, view: KeysView) -> KeyTable:
    """The page that this view asks for."""
    where = KeyFilter(now_ms, view.text, view.show)
    found = page_of_keys(unit.listing, usage, where, view.sort, view.after, PAGE_SIZE)
    days = usage.days([row.key.id for row in found.rows], first_day_ms(now_ms)) if found.rows else {}
    rows = [Row(row.key, row.totals, chart_of(every_day(days.get(row.key.id, []), now_ms))) for row in found.rows]
    return KeyTable(rows, unit.listing.counts(now_ms), found.after)


def advice(unit: Transaction, usage: UsageTables, now_ms: int) -> list[Recommendation]:
    """What to look at."""
    return usage_advice.recommendations(unit.listing, unit.dismissals, usage, now_ms)
