"""Lists of keys from the data directory."""

from collections.abc import Mapping
from typing import Any

from ari import keys
from ari.keys.listing import KeyListTransaction
from ari.usage.reports.facts import key_facts
from ari.usage.reports.key_use import KeyUse
from ari.usage.reports.listing import Sort, page_of_keys

_PAGE = 1_000


def list_keys_by(tx: KeyListTransaction, usage: KeyUse, sort: str, filters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All keys that match the filters of ``keys.make_filter``, in this order, page by page."""
    order, after = Sort.of(sort), None
    assert order is not None
    where = keys.make_filter(tx, **filters)
    found: list[dict[str, Any]] = []
    while True:
        page = page_of_keys(tx.listing, usage, where, order, after, _PAGE)
        found += [key_facts(row.key, row.totals, tx.now_ms) for row in page.rows]
        after = page.after
        if after is None:
            return found
