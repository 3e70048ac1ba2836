"""Daily counts of many keys at once, from the hourly rollup; implements ``reports.daily.DailyUse``."""

from collections.abc import Sequence

from sqlalchemy import Connection, case, func, select

from ari.base.clock import DAY_MS
from ari.keys.reasons import ACCEPTED
from ari.storage.tables import usage_hours
from ari.usage.reports.daily import Day

_hours = usage_hours.c


def days_of(connection: Connection, key_ids: Sequence[str], since_ms: int) -> dict[str, list[Day]]:
    """Accepted and refused requests by day, in one query."""
    if not key_ids:
        return {}
    day = _hours.hour_ms - _hours.hour_ms % DAY_MS
    accepted = func.sum(case((_hours.code == ACCEPTED, _hours["count"]), else_=0))
    query = (
        select(_hours.key_id, day, accepted, func.sum(_hours["count"]) - accepted)
        .where(_hours.key_id.in_(key_ids), _hours.hour_ms >= since_ms - since_ms % DAY_MS)
        .group_by(_hours.key_id, day)
    )
    found: dict[str, list[Day]] = {}
    for key_id, *counted in connection.execute(query):
        found.setdefault(key_id, []).append(Day(*map(int, counted)))
    return found
