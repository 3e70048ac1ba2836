"""Use of single secrets: the newest rows of a secret, through an index that only has rows of rotated keys."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, Subquery, case, func, select

from ari.keys.reasons import ACCEPTED
from ari.storage.tables import usage_rows
from ari.usage.model import KeyClient, SecretUse

MAX_SECRET_ROWS = 5_000
MAX_SECRET_CLIENTS = 50
_rows = usage_rows.c


def last_uses_of_secrets(connection: Connection, key_id: str, numbers: Sequence[int]) -> dict[int, int]:
    """When each of these secrets had its last accepted request."""
    found = {}
    for number in numbers:
        newest = _select_newest(key_id, number, MAX_SECRET_ROWS).subquery("newest")
        query = select(func.max(newest.c.at_ms)).where(newest.c.code == ACCEPTED)
        last_ms = connection.execute(query).scalar()
        if last_ms is not None:
            found[number] = int(last_ms)
    return found


def secret_use(connection: Connection, key_id: str, number: int) -> SecretUse:
    """The requests among the newest rows, by address and user agent."""
    newest = _select_newest(key_id, number, MAX_SECRET_ROWS).subquery("newest")
    accepted, refused = _count_accepted(newest), _count_refused(newest)
    last = func.max(case((newest.c.code == ACCEPTED, newest.c.at_ms)))
    rows, good, bad, last_ms = connection.execute(select(func.count(), accepted, refused, last)).one()
    return SecretUse(
        int(good or 0),
        int(bad or 0),
        None if last_ms is None else int(last_ms),
        _list_clients(connection, newest, newest.c.client_address),
        _list_clients(connection, newest, newest.c.user_agent),
        rows < MAX_SECRET_ROWS,
    )


def _select_newest(key_id: str, number: int, most: int) -> Select[Any]:
    columns = _rows.id, _rows.at_ms, _rows.code, _rows["count"], _rows.client_address, _rows.user_agent
    which = _rows.key_id == key_id, _rows.secret_number == number
    order = _rows.key_id.desc(), _rows.secret_number.desc(), _rows.id.desc()
    return select(*columns).where(*which).order_by(*order).limit(most)


def _list_clients(connection: Connection, newest: Subquery, value: Any) -> list[KeyClient]:
    """Last seen first."""
    last = func.max(newest.c.at_ms)
    query = (
        select(value, _count_accepted(newest), _count_refused(newest), func.min(newest.c.at_ms), last)
        .where(value.is_not(None))
        .group_by(value)
        .order_by(last.desc(), value)
        .limit(MAX_SECRET_CLIENTS)
    )
    return [KeyClient(name, int(good), int(bad), first, at) for name, good, bad, first, at in connection.execute(query)]


def _count_accepted(newest: Subquery) -> Any:
    return func.sum(case((newest.c.code == ACCEPTED, newest.c["count"]), else_=0))


def _count_refused(newest: Subquery) -> Any:
    return func.sum(case((newest.c.code != ACCEPTED, newest.c["count"]), else_=0))
