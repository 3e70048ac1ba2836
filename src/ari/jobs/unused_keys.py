"""Disable keys that nobody uses, once an hour, if the instance's policy says so."""

from collections.abc import Sequence
from typing import Protocol

import structlog

from ari.base.clock import DAY_MS
from ari.base.deadline import run_in_thread
from ari.base.transaction import CommandTransaction, Runner
from ari.keys.commands.instance_policy import disable_unused, get_instance_policy
from ari.keys.listing import Cursor, KeyFilter, KeyListing
from ari.usage.reports.listing import NEWEST_FIRST, Page, UseListing, page_of_keys

_BATCH = 200

_log = structlog.get_logger("ari.jobs")


class _ListingTransaction(CommandTransaction, Protocol):
    @property
    def listing(self) -> KeyListing: ...


async def disable_unused_keys(deps: Runner, use: UseListing, now_ms: int) -> int:
    """Look at all active keys in batches; returns how many were disabled. Raises ``Unavailable``."""
    days = (await deps.read(get_instance_policy)).disable_unused_days
    if days is None:
        return 0
    cutoff_ms, after, count = now_ms - days * DAY_MS, None, 0
    while True:
        page = await deps.read(_read_page, use, now_ms, after)
        due = [row.key.id for row in page.rows if (row.totals.last_used_at_ms or 0) <= cutoff_ms]
        count += len(await _disable(deps, use, due, cutoff_ms)) if due else 0
        after = page.after
        if after is None:
            break
    if count:
        _log.info("unused keys disabled", keys=count, days=days)
    return count


async def _disable(deps: Runner, use: UseListing, key_ids: Sequence[str], cutoff_ms: int) -> list[object]:
    """Ask the usage log once more: a key may have been used since its page was read."""
    totals = await run_in_thread(use.totals, key_ids)
    due = [key_id for key_id in key_ids if key_id not in totals or (totals[key_id].last_used_at_ms or 0) <= cutoff_ms]
    return list(await deps.do(disable_unused, due, cutoff_ms))


def _read_page(tx: _ListingTransaction, use: UseListing, now_ms: int, after: Cursor | None) -> Page:
    return page_of_keys(tx.listing, use, KeyFilter(now_ms, show="active"), NEWEST_FIRST, after, _BATCH)
