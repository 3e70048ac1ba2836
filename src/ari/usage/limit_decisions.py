"""Decide the charged requests of one commit, in order, by the counters of their owners."""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from ari.keys.limits.charge import decide
from ari.keys.limits.counter import Counter
from ari.keys.reasons import REASONS
from ari.usage.model import UsageRow


def list_owners(rows: Iterable[UsageRow]) -> list[str]:
    """The ids of the counters that these rows touch, sorted: each commit locks its counters in this order."""
    return sorted({owner.id for row in rows if row.charge is not None and row.accepted for owner in row.charge.owners})


def charge_rows(rows: Iterable[UsageRow], counters: Mapping[str, Counter], now_ms: int) -> set[str]:
    """Decide each charge. Returns the ids of the counters that changed."""
    revisions = {owner_id: counter.rules.revision for owner_id, counter in counters.items()}
    changed = set[str]()
    for row in rows:
        charge = row.charge
        if charge is not None and row.accepted:
            charge.decision = decide(charge, [counters[owner.id] for owner in charge.owners], now_ms)
            if charge.decision.consumed:
                changed.update(owner.id for owner in charge.owners)
    changed.update(
        owner_id for owner_id, revision in revisions.items() if counters[owner_id].rules.revision != revision
    )
    return changed


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
