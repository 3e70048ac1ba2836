"""API keys in SQL; implements ``keys.ports.KeyStore``."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, Row, and_, cast, func, or_, select, union, update

from ari.keys.look_alikes import ROUGHLY, rough, skeletons
from ari.keys.model import ApiKey, Consumer, KeySecret
from ari.keys.names import fold_name
from ari.keys.policy import decode_policy, encode_policy
from ari.keys.ports import Activity
from ari.storage.dialect import insert, is_sqlite
from ari.storage.tables import api_keys, consumers, key_grants, key_secrets, key_tags

_t, _s, _c = api_keys.c, key_secrets.c, consumers.c
_KEY_COLUMNS = (
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
    _t.kind,
    _t.environment,
    _t.tags,
    _t.metadata,
    _t.policy,
    _t.enabled_at_ms,
)
"""In the order of the fields of ``ApiKey``."""
BUDGETS_IN_POLICY = '"budgets":['
"""The mark of a stored policy with budgets: an empty part is left out, and quotes inside of texts are escaped."""
CONSUMER_COLUMNS = (_c.id, _c.name, _c.external_id, _c.metadata, _c.policy, _c.created_at_ms, _c.created_by)
"""In the order of the fields of ``Consumer``."""
SECRET_COLUMNS = (
    _s.number,
    _s.hint,
    _s.created_at_ms,
    _s.retires_at_ms,
    _s.retired_seen_at_ms,
    _s.scheme,
    _s.foreign_id,
)
"""In the order of the fields of ``KeySecret``."""
COLUMNS = (*_KEY_COLUMNS, *CONSUMER_COLUMNS)
"""Of ``KEYS``."""
KEYS = api_keys.outerjoin(consumers, _c.id == _t.consumer_id)
FOUND_COLUMNS = (*COLUMNS, *SECRET_COLUMNS)
"""Of ``FOUND``, for keys by digest."""
FOUND = key_secrets.join(api_keys, _t.id == _s.key_id).outerjoin(consumers, _c.id == _t.consumer_id)
_KEY_WIDTH, _WIDTH = len(_KEY_COLUMNS), len(COLUMNS)
_MAX_COMPARED = 10_000
"""With so many of the newest keys a new name is compared: 10 ms."""


def key_of(row: Row[Any] | tuple[Any, ...]) -> ApiKey:
    """A key from a row of ``COLUMNS`` or ``FOUND_COLUMNS``."""
    values: tuple[Any, ...] = tuple(row)
    key_id, name, hint, scopes, created_at_ms, created_by, expires, seen, disabled = values[:9]
    revoked_at_ms, revoked_by, reason, deleted_at_ms = values[9:13]
    kind, environment, tags, metadata, policy, enabled_at_ms = values[13:_KEY_WIDTH]
    return ApiKey(
        key_id,
        name,
        hint,
        tuple(scopes.split()),
        created_at_ms,
        created_by,
        expires,
        seen,
        bool(disabled),
        revoked_at_ms,
        revoked_by,
        reason,
        deleted_at_ms,
        kind,
        environment,
        tuple((tags or "").split()),
        metadata,
        decode_policy(policy),
        enabled_at_ms,
        consumer_of(values[_KEY_WIDTH:_WIDTH]),
        KeySecret(*values[_WIDTH:]) if len(values) > _WIDTH else None,
    )


def consumer_of(row: Row[Any] | tuple[Any, ...]) -> Consumer | None:
    """A consumer from a row of ``CONSUMER_COLUMNS``; ``None`` if a key has none."""
    consumer_id, name, external_id, metadata, policy, created_at_ms, created_by = tuple(row)
    if consumer_id is None:
        return None
    return Consumer(consumer_id, name, external_id, metadata, decode_policy(policy), created_at_ms, created_by)


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

    def add(self, key: ApiKey, digest: bytes) -> None:
        self._connection.execute(api_keys.insert().values(key_row(key)))
        secret = key.secret or KeySecret(1, key.hint, key.created_at_ms)
        self._connection.execute(
            key_secrets.insert().values(
                digest=digest,
                key_id=key.id,
                number=secret.number,
                scheme=secret.scheme,
                hint=secret.hint,
                created_at_ms=secret.created_at_ms,
                retires_at_ms=secret.retires_at_ms,
            )
        )
        self._write_tags(key, ())

    def get(self, key_id: str) -> ApiKey | None:
        return self._one(and_(_t.id == key_id, _t.deleted_at_ms.is_(None)), lock=True)

    def tombstone(self, key_id: str) -> ApiKey | None:
        return self._one(_t.id == key_id)

    def find(self, digest: bytes) -> ApiKey | None:
        row = self._connection.execute(select(*FOUND_COLUMNS).select_from(FOUND).where(_s.digest == digest)).first()
        return None if row is None else key_of(row)

    def save(self, key: ApiKey) -> None:
        before = self._connection.scalar(select(_t.tags).where(_t.id == key.id))
        self._connection.execute(update(api_keys).where(_t.id == key.id).values(**_changeable(key)))
        self._write_tags(key, tuple((before or "").split()))

    def page(self, now_ms: int, activity: Activity, before_id: str | None, limit: int) -> list[ApiKey]:
        query = select(*COLUMNS).select_from(KEYS).where(_present(now_ms, activity)).order_by(_t.id.desc()).limit(limit)
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
        query = select(*COLUMNS).select_from(KEYS).where(or_(_t.created_by == actor, _t.id.in_(granted)))
        return [key_of(row) for row in self._connection.execute(query.order_by(_t.id))]

    def add_grant(self, grantor_id: str, key_id: str) -> None:
        row = insert(self._connection, key_grants).values(grantor_id=grantor_id, key_id=key_id)
        self._connection.execute(row.on_conflict_do_nothing())

    def sources_of(self, key_id: str) -> list[str]:
        creator = select(_t.created_by).where(_t.id == key_id, _t.created_by.startswith("key_", autoescape=True))
        grantors = select(key_grants.c.grantor_id).where(key_grants.c.key_id == key_id)
        return list(self._connection.execute(union(creator, grantors)).scalars())

    def has_unstamped(self, now_ms: int) -> bool:
        expired = select(_t.id).where(_t.expired_seen_at_ms.is_(None), _t.expires_at_ms <= now_ms).limit(1)
        retired = select(_s.key_id).where(_s.retired_seen_at_ms.is_(None), _s.retires_at_ms <= now_ms).limit(1)
        return any(self._connection.execute(query).first() is not None for query in (expired, retired))

    def stamp_expired(self, now_ms: int) -> int:
        expired = update(api_keys).where(_t.expired_seen_at_ms.is_(None), _t.expires_at_ms <= now_ms)
        retired = update(key_secrets).where(_s.retired_seen_at_ms.is_(None), _s.retires_at_ms <= now_ms)
        stamped = self._connection.execute(expired.values(expired_seen_at_ms=now_ms)).rowcount
        return stamped + self._connection.execute(retired.values(retired_seen_at_ms=now_ms)).rowcount

    def _write_tags(self, key: ApiKey, before: tuple[str, ...]) -> None:
        if key.tags == before:
            return
        self._connection.execute(key_tags.delete().where(key_tags.c.key_id == key.id))
        if key.tags:
            self._connection.execute(key_tags.insert(), [{"tag": tag, "key_id": key.id} for tag in key.tags])

    def _one(self, where: ColumnElement[bool], lock: bool = False) -> ApiKey | None:
        query = select(*COLUMNS).select_from(KEYS).where(where)
        locked = query.with_for_update(of=api_keys) if lock and self._writing else query
        row = self._connection.execute(locked).first()
        return None if row is None else key_of(row)


def _is_not_ascii(connection: Connection, text: ColumnElement[str]) -> ColumnElement[bool]:
    return (func.length(cast(text, LargeBinary)) if is_sqlite(connection) else func.octet_length(text)) != func.length(
        text
    )


def key_row(key: ApiKey) -> dict[str, Any]:
    """The row of a new key."""
    made = {"id": key.id, "kind": key.kind, "created_at_ms": key.created_at_ms, "created_by": key.created_by}
    return made | _changeable(key)


def _changeable(key: ApiKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "hint": key.hint,
        "folded_name": fold_name(key.name),
        "scopes": " ".join(key.scopes),
        "expires_at_ms": key.expires_at_ms,
        "expired_seen_at_ms": key.expired_seen_at_ms,
        "disabled": key.disabled,
        "revoked_at_ms": key.revoked_at_ms,
        "revoked_by": key.revoked_by,
        "revoke_reason": key.revoke_reason,
        "deleted_at_ms": key.deleted_at_ms,
        "environment": key.environment,
        "consumer_id": None if key.consumer is None else key.consumer.id,
        "tags": " ".join(key.tags) or None,
        "metadata": key.metadata,
        "policy": encode_policy(key.policy),
        "enabled_at_ms": key.enabled_at_ms,
    }
