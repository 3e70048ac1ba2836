"""API keys in SQL; implements ``keys.ports.KeyStore``."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, Row, and_, cast, func, or_, select, union, update

from ari.keys.look_alikes import ROUGHLY, rough, skeletons
from ari.keys.model import ApiKey
from ari.keys.names import fold_name
from ari.keys.ports import Activity
from ari.storage.dialect import insert, is_sqlite
from ari.storage.tables import api_keys, key_grants

_t = api_keys.c
COLUMNS = (
    _t.id,
    _t.name,
    _t.hint,
    _t.scopes,
    _t.created_at_ms,
    _t.created_by,
    _t.expires_at_ms,
    _t.expired_seen_at_ms,
    _t.disabled,
    _t.revoked_at_ms,
    _t.revoked_by,
    _t.revoke_reason,
    _t.deleted_at_ms,
)
"""In the order of the fields of ``ApiKey``."""
_MAX_COMPARED = 10_000
"""With so many of the newest keys a new name is compared: 10 ms."""


def key_of(row: Row[Any] | tuple[Any, ...]) -> ApiKey:
    """A key from a row of ``COLUMNS``."""
    (key_id, name, hint, scopes, created_at_ms, created_by, expires, seen, disabled, *rest) = tuple(row)
    return ApiKey(
        key_id, name, hint, tuple(scopes.split()), created_at_ms, created_by, expires, seen, bool(disabled), *rest
    )


def is_inactive(now_ms: int) -> ColumnElement[bool]:
    """Revoked or expired."""
    return or_(_t.revoked_at_ms.is_not(None), _t.expired_seen_at_ms.is_not(None), _t.expires_at_ms <= now_ms)


def is_active(now_ms: int) -> ColumnElement[bool]:
    """Neither, though perhaps disabled."""
    return and_(
        _t.revoked_at_ms.is_(None),
        _t.expired_seen_at_ms.is_(None),
        or_(_t.expires_at_ms.is_(None), _t.expires_at_ms > now_ms),
    )


def _present(now_ms: int, activity: Activity) -> ColumnElement[bool]:
    present = _t.deleted_at_ms.is_(None)
    if activity == "all":
        return present
    return and_(present, is_active(now_ms) if activity == "active" else is_inactive(now_ms))


class KeyTables:
    """Keys inside the transaction of ``connection``."""

    def __init__(self, connection: Connection, *, writing: bool) -> None:
        self._connection = connection
        self._writing = writing

    def add(self, key: ApiKey, digest: bytes, hash_version: int) -> None:
        self._connection.execute(
            api_keys.insert().values(
                digest=digest,
                id=key.id,
                hash_version=hash_version,
                hint=key.hint,
                created_at_ms=key.created_at_ms,
                created_by=key.created_by,
                **_changeable(key),
            )
        )

    def get(self, key_id: str) -> ApiKey | None:
        return self._one(and_(_t.id == key_id, _t.deleted_at_ms.is_(None)), lock=True)

    def tombstone(self, key_id: str) -> ApiKey | None:
        return self._one(_t.id == key_id)

    def find(self, digest: bytes) -> ApiKey | None:
        return self._one(_t.digest == digest)

    def save(self, key: ApiKey) -> None:
        self._connection.execute(update(api_keys).where(_t.id == key.id).values(**_changeable(key)))

    def page(self, now_ms: int, activity: Activity, before_id: str | None, limit: int) -> list[ApiKey]:
        query = select(*COLUMNS).where(_present(now_ms, activity)).order_by(_t.id.desc()).limit(limit)
        if before_id is not None:
            query = query.where(_t.id < before_id)
        return [key_of(row) for row in self._connection.execute(query)]

    def count(self, now_ms: int, activity: Activity) -> int:
        query = select(func.count()).select_from(api_keys).where(_present(now_ms, activity))
        return self._connection.execute(query).scalar_one()

    def count_named(self, folded_name: str, now_ms: int) -> int:
        query = select(func.count()).select_from(api_keys)
        return self._connection.execute(
            query.where(_present(now_ms, "active"), _t.folded_name == folded_name)
        ).scalar_one()

    def count_look_alikes(self, name: str, now_ms: int) -> int:
        looks = skeletons(name)
        others = select(_t.name, _t.folded_name).where(_present(now_ms, "active"), _t.folded_name != fold_name(name))
        newest = others.order_by(_t.id.desc()).limit(_MAX_COMPARED).subquery().c
        rough_form: ColumnElement[str] = newest.folded_name
        for letter, drawn in ROUGHLY:
            rough_form = func.replace(rough_form, letter, drawn)
        candidate = or_(_is_not_ascii(self._connection, newest.folded_name), rough_form.in_(sorted(map(rough, looks))))
        found = self._connection.execute(select(newest.name).where(candidate)).scalars()
        return sum(not looks.isdisjoint(skeletons(other)) for other in found)

    def list_made_by(self, actor: str) -> list[ApiKey]:
        granted = select(key_grants.c.key_id).where(key_grants.c.grantor_id == actor)
        query = select(*COLUMNS).where(or_(_t.created_by == actor, _t.id.in_(granted))).order_by(_t.id)
        return [key_of(row) for row in self._connection.execute(query)]

    def add_grant(self, grantor_id: str, key_id: str) -> None:
        row = insert(self._connection, key_grants).values(grantor_id=grantor_id, key_id=key_id)
        self._connection.execute(row.on_conflict_do_nothing())

    def sources_of(self, key_id: str) -> list[str]:
        creator = select(_t.created_by).where(_t.id == key_id, _t.created_by.startswith("key_", autoescape=True))
        grantors = select(key_grants.c.grantor_id).where(key_grants.c.key_id == key_id)
        return list(self._connection.execute(union(creator, grantors)).scalars())

    def has_unstamped(self, now_ms: int) -> bool:
        query = select(_t.id).where(_t.expired_seen_at_ms.is_(None), _t.expires_at_ms <= now_ms).limit(1)
        return self._connection.execute(query).first() is not None

    def stamp_expired(self, now_ms: int) -> int:
        query = update(api_keys).where(_t.expired_seen_at_ms.is_(None), _t.expires_at_ms <= now_ms)
        return self._connection.execute(query.values(expired_seen_at_ms=now_ms)).rowcount

    def _one(self, where: ColumnElement[bool], lock: bool = False) -> ApiKey | None:
        query = select(*COLUMNS).where(where)
        row = self._connection.execute(query.with_for_update() if lock and self._writing else query).first()
        return None if row is None else key_of(row)


def _is_not_ascii(connection: Connection, text: ColumnElement[str]) -> ColumnElement[bool]:
    return (func.length(cast(text, LargeBinary)) if is_sqlite(connection) else func.octet_length(text)) != func.length(
        text
    )


def _changeable(key: ApiKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "folded_name": fold_name(key.name),
        "scopes": " ".join(key.scopes),
        "expires_at_ms": key.expires_at_ms,
        "expired_seen_at_ms": key.expired_seen_at_ms,
        "disabled": key.disabled,
        "revoked_at_ms": key.revoked_at_ms,
        "revoked_by": key.revoked_by,
        "revoke_reason": key.revoke_reason,
        "deleted_at_ms": key.deleted_at_ms,
    }
