"""Lists of API keys in SQL; implements ``keys.listing.KeyListing``.

A run by name or expiry is a span of an index of the keys that are not deleted, a run by age a span of the ids' own.
The keys of a consumer or with a tag are read from its index, by age as a span of it, else all of them to be sorted.
What it is narrowed by is tested on the way: a search reads on until the page is full, at worst through all keys.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
)

from ari.keys.listing import SOON_MS, UNUSED_MS, Cursor, KeyCounts, KeyFilter, LivingKey, Order
from ari.keys.model import ApiKey
from ari.keys.names import fold_name
from ari.keys.unset import UNSET
from ari.storage.dialect import is_sqlite
from ari.storage.stores.keys import BUDGETS_IN_POLICY, COLUMNS, is_active, is_inactive, key_of
from ari.storage.tables import api_keys, consumers, key_secrets, key_tags, notes

_t = api_keys.c
_PRESENT = _t.deleted_at_ms.is_(None)


class KeyListTables:
    """Lists inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, where: KeyFilter, order: Order, after: Cursor | None, limit: int) -> list[ApiKey]:
        columns = _columns(order, where)
        query = select(*COLUMNS).select_from(_with_consumers(where)).where(_PRESENT, self._fits(where)).limit(limit)
        if order.by == "expires":
            query = query.where(_t.expires_at_ms.is_not(None))
        if order.endless:
            query = query.where(_t.expires_at_ms.is_(None))
        if after is not None:
            place = self._place(order, after)
            span = tuple_(*columns) < tuple_(*place) if order.descending else tuple_(*columns) > tuple_(*place)
            query = query.where(span)
        query = query.order_by(*(column.desc() if order.descending else column.asc() for column in columns))
        return [key_of(row) for row in self._connection.execute(query)]

    def among(self, where: KeyFilter, key_ids: Sequence[str]) -> list[ApiKey]:
        query = select(*COLUMNS).select_from(_with_consumers(where))
        found = self._connection.execute(query.where(_PRESENT, _t.id.in_(key_ids), self._fits(where)))
        return [key_of(row) for row in found]

    def count(self, where: KeyFilter) -> int:
        query = select(func.count()).select_from(_keys(where)).where(_PRESENT, self._fits(where))
        return self._connection.execute(query).scalar_one()

    def counts(self, now_ms: int) -> KeyCounts:
        working = func.coalesce(func.sum(case((_works(now_ms), 1), else_=0)), 0)
        query = select(func.count(), working).select_from(api_keys).where(_PRESENT)
        every, active = self._connection.execute(query).one()
        return KeyCounts(int(every), int(active))

    def list_tags(self, limit: int) -> list[str]:
        """Jumps from tag to tag in the index, however many keys have each."""
        name = key_tags.c.tag
        found = select(func.min(name).label("tag")).cte("found", recursive=True)
        following = select(func.min(name)).where(name > found.c.tag).scalar_subquery()
        found = found.union_all(select(following).where(found.c.tag.is_not(None)))
        return list(self._connection.scalars(select(found.c.tag).where(found.c.tag.is_not(None)).limit(limit)))

    def list_active(self, now_ms: int, limit: int) -> list[LivingKey]:
        later = key_secrets.c.key_id == _t.id, key_secrets.c.number > 1
        rotated = select(func.max(key_secrets.c.created_at_ms)).where(*later).scalar_subquery()
        columns = _t.id, _t.name, _t.hint, _t.created_at_ms, _t.expires_at_ms, rotated
        query = select(*columns).where(_PRESENT, _works(now_ms)).order_by(_t.id).limit(limit)
        return [LivingKey(*row) for row in self._connection.execute(query)]

    def _fits(self, where: KeyFilter) -> ColumnElement[bool]:
        return _fits(where, _t.id.in_(_select_restored(self._connection)) if where.or_restored else false())

    def _place(self, order: Order, after: Cursor) -> tuple[Any, ...]:
        if order.by == "created":
            return (after.key_id,)
        if order.by == "expires":
            return after.value, after.key_id
        name = self._connection.scalar(select(_t.folded_name).where(_t.id == after.key_id))
        return name or "", after.key_id


def _columns(order: Order, where: KeyFilter) -> tuple[Any, ...]:
    key_id = _t.id if where.tag is None else key_tags.c.key_id
    return {"name": (_t.folded_name, key_id), "expires": (_t.expires_at_ms, key_id), "created": (key_id,)}[order.by]


def _keys(where: KeyFilter) -> FromClause:
    return api_keys if where.tag is None else key_tags.join(api_keys, _t.id == key_tags.c.key_id)


def _with_consumers(where: KeyFilter) -> FromClause:
    return _keys(where).outerjoin(consumers, consumers.c.id == _t.consumer_id)


def _works(now_ms: int) -> ColumnElement[bool]:
    return and_(is_active(now_ms), _t.disabled == false())


def _fits(where: KeyFilter, is_restored: ColumnElement[bool]) -> ColumnElement[bool]:
    now_ms = where.now_ms
    shown: dict[str, Any] = {
        "all": true(),
        "active": _works(now_ms),
        "soon": and_(_works(now_ms), _t.expires_at_ms <= now_ms + SOON_MS),
        "never-used": _works(now_ms),
        "unused": and_(_works(now_ms), _t.created_at_ms <= now_ms - UNUSED_MS),
        "disabled": and_(is_active(now_ms), _t.disabled == true()),
        "inactive": is_inactive(now_ms),
        "expired": and_(is_inactive(now_ms), _t.revoked_at_ms.is_(None)),
        "revoked": _t.revoked_at_ms.is_not(None),
    }
    fits = and_(
        shown[where.show],
        {"all": true(), "active": is_active(now_ms), "inactive": is_inactive(now_ms)}[where.activity],
        true() if where.consumer_id is None else _t.consumer_id == where.consumer_id,
        true() if where.tag is None else key_tags.c.tag == where.tag,
        true() if where.other_expiry_than is UNSET else _t.expires_at_ms.is_distinct_from(where.other_expiry_than),
        true() if where.outlives_ms is None else or_(_t.expires_at_ms.is_(None), _t.expires_at_ms > where.outlives_ms),
        true() if where.environment is None else _t.environment == where.environment,
        true() if where.kind is None else _t.kind == where.kind,
        true() if where.disabled is None else or_(_t.disabled == where.disabled, is_restored),
        true() if where.key_ids is None else _t.id.in_(sorted(where.key_ids)),
        true() if where.before_id is None else _t.id < where.before_id,
        _is_too_old(where) if where.too_old else not_(_is_too_old(where)),
        _t.policy.contains(BUDGETS_IN_POLICY) if where.with_budgets else true(),
    )
    if not where.text:
        return fits
    from ari.storage.text_search import contains  # noqa: PLC0415 - most lists search no text

    found = or_(
        contains(_t.folded_name, fold_name(where.text)),
        contains(_t.hint, where.text.replace("...", "…")),
        contains(_t.id, where.text),
    )
    return and_(fits, found)


def _select_restored(connection: Connection) -> Select[tuple[str]]:
    """The keys of the list of ``keys.restored_keys``, which may be many: the words of its notes."""
    from ari.keys.restored_keys import PREFIX  # noqa: PLC0415 - a list of all keys needs none of it

    listed = notes.c.name.startswith(f"{PREFIX}_", autoescape=True)
    if not is_sqlite(connection):
        return select(func.unnest(func.string_to_array(notes.c.value, " "))).where(listed)
    texts = func.replace(func.json_quote(notes.c.value), " ", '","')
    words = func.json_each(literal("[") + texts + "]").table_valued("value")
    return select(words.c.value).select_from(notes.join(words, true())).where(listed)


def _is_too_old(where: KeyFilter) -> ColumnElement[bool]:
    pairs = (and_(_t.kind == kind, _t.created_at_ms < at_ms) for kind, at_ms in where.created_since)
    return func.coalesce(or_(false(), *pairs), false())  # the built-in kind is NULL
