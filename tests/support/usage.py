"""Rows for the usage log, and the sum that must always come out even."""

from typing import Any

from sqlalchemy import Engine, func, select

from ari.base.ids import new_id
from ari.keys.reasons import ACCEPTED
from ari.storage.tables import usage_hours, usage_rows, usage_totals
from ari.usage.model import ROW_KIND, UsageRow
from tests.support.instances import START_MS

KEY = "key_01J000000000000000000000AA"
OTHER_KEY = "key_01J000000000000000000000BB"


def a_row(at_ms: int = START_MS, **fields: Any) -> UsageRow:
    """A request as the guard tells it; ``fields`` differ from the usual."""
    row_id = new_id(ROW_KIND, at_ms)
    usual: dict[str, Any] = {
        "id": row_id,
        "at_ms": at_ms,
        "request_id": row_id,
        "key_id": KEY,
        "key_hint": "ari_k_Ab12…yz89",
        "code": ACCEPTED,
        "method": "GET",
        "route": "/api/me",
        "path": "/api/me",
        "client_address": "192.0.2.7",
        "user_agent": "curl/7.88.1",
        "status": 200,
        "duration_ms": 0.5,
        "bytes": 120,
    }
    return UsageRow(**{**usual, **fields})


def sums(engine: Engine) -> dict[str, tuple[int, int]]:
    """Accepted and refused requests of each key. Fails unless rows, hourly rollups and totals say the same."""
    rows, hours = usage_rows.c, usage_hours.c
    totals = usage_totals.c
    # One snapshot: a process that was killed may have left a commit that the server still finishes.
    snapshot = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**snapshot) as connection:
        by_row = _split(connection, rows.key_id, rows.code, rows["count"])
        by_hour = _split(connection, hours.key_id, hours.code, hours["count"])
        kept = connection.execute(select(totals.key_id, totals.request_count, totals.refused_count))
        by_key = {key_id: (accepted, refused) for key_id, accepted, refused in kept}
        accepted_at = select(rows.key_id, func.min(rows.at_ms), func.max(rows.at_ms)).where(rows.code == ACCEPTED)
        times = {row[0]: tuple(row[1:]) for row in connection.execute(accepted_at.group_by(rows.key_id))}
        kept = connection.execute(select(totals.key_id, totals.first_used_at_ms, totals.last_used_at_ms))
        kept_times = {row[0]: tuple(row[1:]) for row in kept}
    assert by_row == by_hour == by_key
    assert kept_times == {key_id: times.get(key_id, (None, None)) for key_id in by_key}
    return by_key


def _split(connection: Any, key_id: Any, code: Any, count: Any) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for key, what, total in connection.execute(select(key_id, code, func.sum(count)).group_by(key_id, code)):
        accepted, refused = found.get(key, (0, 0))
        number = int(total)
        found[key] = (accepted + number, refused) if what == ACCEPTED else (accepted, refused + number)
    return found
