"""Decide the charged requests of one commit, in order, and settle budgets, by the counters of their owners."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from ari.keys.limits.charge import decide, settle
from ari.keys.limits.counter import Counter
from ari.keys.limits.spending import Crossing
from ari.keys.reasons import REASONS
from ari.usage.ai import AiUse
from ari.usage.model import Completion, UsageRow
from ari.usage.ports import Batch


class CounterChanges(NamedTuple):
    """The ids of the counters that changed, and the thresholds of budgets that were reached."""

    owner_ids: set[str]
    crossings: list[Crossing]


def list_owners(batch: Batch) -> list[str]:
    """The ids of the counters that a batch touches, sorted: each commit locks its counters in this order."""
    found = {owner.id for row in batch.rows if row.charge is not None and row.accepted for owner in row.charge.owners}
    for use in list_settlements(batch.completions):
        if use.settlement is not None:
            found |= use.settlement.owner_ids
    return sorted(found)


def list_settlements(completions: Iterable[Completion | AiUse]) -> list[AiUse]:
    """The AI uses that replace what their requests have reserved."""
    return [use for use in completions if isinstance(use, AiUse) and use.settlement is not None]


def mark_retried(use: AiUse) -> AiUse:
    """The same, after a failed commit: its settlement may be stored all the same."""
    settlement = use.settlement
    return use if settlement is None else replace(use, settlement=replace(settlement, is_retry=True))


def decide_batch(
    batch: Batch, counters: Mapping[str, Counter], now_ms: int, settled: Collection[str] = ()
) -> CounterChanges:
    """Settle what ended, then decide each charge. ``settled`` are the ids of AI uses that were settled before."""
    revisions = {owner_id: counter.rules.revision for owner_id, counter in counters.items()}
    changes = CounterChanges(set(), [])
    for use in list_settlements(batch.completions):
        if use.settlement is not None and use.id not in settled:
            changes.crossings.extend(settle(use.settlement, counters, now_ms))
            changes.owner_ids.update(use.settlement.owner_ids)
    _charge_rows(batch.rows, counters, now_ms, changes)
    changes.owner_ids.update(
        owner_id for owner_id, revision in revisions.items() if counters[owner_id].rules.revision != revision
    )
    return changes


def _charge_rows(
    rows: Iterable[UsageRow], counters: Mapping[str, Counter], now_ms: int, changes: CounterChanges
) -> None:
    for row in rows:
        charge = row.charge
        if charge is None or not row.accepted:
            continue
        charge.decision = decide(charge, [counters[owner.id] for owner in charge.owners], now_ms)
        changes.crossings.extend(charge.decision.crossings)
        if charge.decision.consumed or charge.decision.crossings:
            changes.owner_ids.update(owner.id for owner in charge.owners)


def apply_decision(row: UsageRow) -> UsageRow:
    """The row to log: with the units it consumed, or refused. A verified key's row keeps the caller's status."""
    decision = None if row.charge is None else row.charge.decision
    if decision is None:
        return row
    if decision.exceeded is None:
        consumed = msgspec.json.encode(decision.consumed).decode() if decision.consumed else None
        return replace(row, consumed=consumed)
    reason = REASONS[decision.exceeded.reason]
    if row.source == "verify":
        return replace(row, code=reason.code)
    return replace(row, code=reason.code, status=reason.status, bytes=None)
