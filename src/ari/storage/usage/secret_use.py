"""Use of single secrets: the newest rows of a secret, through an index that only has rows of rotated keys."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, case, func, select

from ari.keys.reasons import ACCEPTED
from ari.storage.tables import usage_log
from ari.storage.usage.texts import AT_MS, NO_CALLER, find_number, read_texts
from ari.usage.model import KeyClient, SecretUse

MAX_SECRET_ROWS = 5_000
MAX_SECRET_CLIENTS = 50
_log = usage_log.c


class CallerUse(NamedTuple):
    """The rows of one client address and user agent; times in milliseconds."""

    address: str | None
    agent: str | None
    rows: int
    accepted: int
    refused: int
    first_ms: int
    last_ms: int
    last_accepted_ms: int | None


def last_uses_of_secrets(connection: Connection, key_id: str, numbers: Sequence[int]) -> dict[int, int]:
    """When each of these secrets had its last accepted request."""
    found = {}
    for number in numbers:
        newest = _select_newest(connection, key_id, number).subquery("newest")
        query = select(func.max(newest.c.at_ms)).where(newest.c.code == find_number(connection, ACCEPTED))
        last_ms = connection.execute(query).scalar()
        if last_ms is not None:
            found[number] = int(last_ms)
    return found


def secret_use(connection: Connection, key_id: str, number: int) -> SecretUse:
    """The requests among the newest rows, by address and user agent."""
    newest = _select_newest(connection, key_id, number).subquery("newest")
    is_accepted = newest.c.code == find_number(connection, ACCEPTED)
    query = select(
        newest.c.caller,
        func.count(),
        func.sum(case((is_accepted, newest.c["count"]), else_=0)),
        func.sum(case((is_accepted, 0), else_=newest.c["count"])),
        func.min(newest.c.at_ms),
        func.max(newest.c.at_ms),
        func.max(case((is_accepted, newest.c.at_ms))),
    ).group_by(newest.c.caller)
    rows = connection.execute(query).all()
    callers = read_texts(connection, (), [row[0] for row in rows]).callers
    return sum_up([CallerUse(*callers.get(caller, NO_CALLER), *counts) for caller, *counts in rows])


def sum_up(found: Sequence[CallerUse]) -> SecretUse:
    """The use of a secret, from all of its newest rows."""
    return SecretUse(
        sum(int(use.accepted) for use in found),
        sum(int(use.refused) for use in found),
        max((int(use.last_accepted_ms) for use in found if use.last_accepted_ms is not None), default=None),
        _list_clients((use.address, use) for use in found),
        _list_clients((use.agent, use) for use in found),
        sum(use.rows for use in found) < MAX_SECRET_ROWS,
    )


def _select_newest(connection: Connection, key_id: str, number: int) -> Select[Any]:
    columns = AT_MS.label("at_ms"), _log.code, _log["count"], _log.caller
    which = _log.key == find_number(connection, key_id), _log.secret_number == number
    order = _log.key.desc(), _log.secret_number.desc(), _log.id_high.desc(), _log.id_low.desc()
    return select(*columns).where(*which).order_by(*order).limit(MAX_SECRET_ROWS)


def _list_clients(uses: Iterable[tuple[str | None, CallerUse]]) -> list[KeyClient]:
    """Last seen first."""
    found: dict[str, KeyClient] = {}
    for value, use in uses:
        if value is not None:
            this = KeyClient(value, int(use.accepted), int(use.refused), use.first_ms, use.last_ms)
            found[value] = _add(found[value], this) if value in found else this
    return sorted(found.values(), key=lambda client: (-client.last_seen_at_ms, client.value))[:MAX_SECRET_CLIENTS]


def _add(one: KeyClient, other: KeyClient) -> KeyClient:
    return KeyClient(
        one.value,
        one.accepted_count + other.accepted_count,
        one.refused_count + other.refused_count,
        min(one.first_seen_at_ms, other.first_seen_at_ms),
        max(one.last_seen_at_ms, other.last_seen_at_ms),
    )
