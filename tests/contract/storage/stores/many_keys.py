"""5,000 keys in a pattern, and their lists."""

from typing import Any

from ari.base.clock import DAY_MS, HOUR_MS
from ari.base.ids import new_id
from ari.deps import Deps
from ari.instance import Instance
from ari.keys.listing import Cursor, KeyFilter
from ari.keys.names import fold_name
from ari.usage.reports.listing import Listed, Sort, page_of_keys
from tests.support.instances import START_MS

MANY = 5_000
KEY_COLUMNS = (
    "id",
    "name",
    "folded_name",
    "hint",
    "scopes",
    "created_at_ms",
    "created_by",
    "expires_at_ms",
    "disabled",
    "revoked_at_ms",
    "deleted_at_ms",
    "consumer_id",
    "environment",
    "kind",
)


def make_key(number: int) -> dict[str, Any]:
    """Names, ends and states in a pattern; one in fifty is deleted, and still has its totals."""
    created = START_MS - (number % 90) * DAY_MS - number
    expires = {0: None, 1: START_MS + 3 * DAY_MS, 2: START_MS + 90 * DAY_MS, 3: START_MS - HOUR_MS}[number % 4]
    name = f"{'Export' if number % 7 else 'Import'} {number % 613:04}"
    return {
        "id": new_id("key", created),
        "name": name,
        "folded_name": fold_name(name),
        "hint": f"ari_k_{number % 9_973:04d}…Zz{number % 89:02d}",
        "scopes": "api:read",
        "created_at_ms": created,
        "created_by": "system",
        "expires_at_ms": expires,
        "disabled": number % 11 == 0,
        "revoked_at_ms": START_MS - 5 if number % 13 == 0 else None,
        "deleted_at_ms": START_MS - 4 if number % 50 == 0 else None,
        "consumer_id": "con_1" if number % 31 == 1 else None,
        "environment": "live" if number % 5 else "test",
        "kind": "acme" if number % 17 == 0 else None,
    }


def tags_of(number: int) -> list[str]:
    return [tag for tag, fits in (("billing", number % 37 == 0), ("most", number % 3 == 0)) if fits]


def make_total(number: int, key_id: str) -> tuple[Any, ...] | None:
    """Two in three were used; many of them equally often or at the same instant; one in nine was only refused."""
    if number % 3 == 0:
        return None if number % 9 else (key_id, 0, 4, None, None)
    used = START_MS - (number % 71) * DAY_MS
    return (key_id, number % 500 + 1, number % 5, used - 1, used)


def page(instance: Instance, where: KeyFilter, sort: Sort, after: Cursor | None = None, limit: int = 50) -> Any:
    usage = instance.database.usage
    return Deps(instance).read_sync(lambda unit: page_of_keys(unit.listing, usage, where, sort, after, limit))


def list_all(instance: Instance, where: KeyFilter, sort: Sort, limit: int = 1_999) -> list[Listed]:
    """All pages, one after the other."""
    rows, after = [], None
    while True:
        found = page(instance, where, sort, after, limit)
        rows += found.rows
        after = found.after
        if after is None:
            return rows
