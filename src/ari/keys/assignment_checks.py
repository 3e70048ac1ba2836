"""Check what a calling key says about keys: their environment, consumer, tags and metadata (security.md 11).

Services read these facts from verifications and decide by them whose request it is and what it may do. So they are
part of what a key gives, like its scopes (decision 48). Sessions and the command line may set all of them.
"""

from dataclasses import replace

from ari.base.errors import Forbidden
from ari.keys import scopes
from ari.keys.lineage import find_sources
from ari.keys.model import ApiKey, Environment
from ari.keys.ports import KeyTransaction


def get_calling_key(tx: KeyTransaction) -> ApiKey | None:
    """The key that calls, as it is now; ``None`` if no key does."""
    return None if tx.caller.key_id is None else tx.keys.get(tx.caller.key_id)


def default_environment(calling: ApiKey | None) -> Environment:
    """The environment of a new key that names none: that of the calling key."""
    return "live" if calling is None else calling.environment


def inherit(calling: ApiKey | None, key: ApiKey) -> ApiKey:
    """The new key; consumer, tags and metadata that it lacks are those of a calling key that has a consumer."""
    if calling is None or calling.consumer is None:
        return key
    return replace(
        key,
        consumer=key.consumer or calling.consumer,
        tags=key.tags or calling.tags,
        metadata=key.metadata or calling.metadata,
    )


def require_own_consumer(calling: ApiKey | None, key: ApiKey) -> None:
    """Raise ``Forbidden`` for a key of others, if the calling key belongs to a consumer."""
    if calling is not None and calling.consumer is not None and key.consumer_id != calling.consumer_id:
        raise Forbidden("A key that belongs to a consumer can only create and change keys of this consumer.")


def require_may_assign(tx: KeyTransaction, reference: str) -> None:
    """Check that the caller may give keys to this consumer, an ID or external ID, before anybody looks it up.

    Raises ``Forbidden``, which is the same whether or not the consumer exists.
    """
    calling = get_calling_key(tx)
    if calling is None or calling.consumer is None:
        _require_to_assign(tx)
    elif reference not in (calling.consumer.id, calling.consumer.external_id):
        raise Forbidden("A key that belongs to a consumer can only create and change keys of this consumer.")


def require_may_manage_consumers(tx: KeyTransaction) -> None:
    """Raise ``Forbidden`` for a key that belongs to a consumer: it could rename its own, or become another one."""
    calling = get_calling_key(tx)
    if calling is not None and calling.consumer is not None:
        raise Forbidden("A key that belongs to a consumer can't create, change or delete consumers.")


def require_environment(calling: ApiKey | None, environment: str | None) -> None:
    """Raise ``Forbidden`` for a test key that would give something to live keys; ``None`` is live."""
    if calling is not None and calling.environment == "test" and environment != "test":
        raise Forbidden("A test key can only give access to test keys.")


def require_may_act_as(tx: KeyTransaction, calling: ApiKey | None, key: ApiKey) -> None:
    """Raise ``Forbidden`` unless the calling key could create a key with the facts of this one."""
    if calling is None:
        return
    require_environment(calling, key.environment)
    if calling.consumer is not None:
        _require_own_facts(calling, None, key)
    elif key.consumer is not None:
        _require_to_assign(tx)


def require_facts(tx: KeyTransaction, calling: ApiKey, before: ApiKey | None, after: ApiKey) -> None:
    """Check that the calling key may turn the facts of ``before`` (``None``: a new key) into those of ``after``.

    Raises ``Forbidden``.
    """
    if before is not None and _facts(before) == _facts(after):
        return
    if before is not None and (before.id == calling.id or before.id in find_sources(tx, calling.id)):
        raise Forbidden(
            "A key can't change the environment, consumer, tags or metadata of itself, or of a key that created it or "
            "gave it access."
        )
    if before is None or before.environment != after.environment:
        require_environment(calling, after.environment)
    if calling.consumer is not None:
        require_own_consumer(calling, after)
        _require_own_facts(calling, before, after)
    elif after.consumer_id != (None if before is None else before.consumer_id):
        _require_to_assign(tx)


def _require_to_assign(tx: KeyTransaction) -> None:
    if not scopes.holds(tx.caller.scopes, "consumers:read"):
        raise Forbidden(
            "A key needs the scope consumers:read to choose the consumer of keys, or to learn secrets of its keys.",
            "consumers:read",
        )


def _require_own_facts(calling: ApiKey, before: ApiKey | None, after: ApiKey) -> None:
    old = None if before is None else (before.tags, before.metadata)
    for place, name in enumerate(("tags", "metadata")):
        new = getattr(after, name)
        if new != getattr(calling, name) and (old is None or new != old[place]):
            raise Forbidden(f"A key that belongs to a consumer can only give its own {name}.")


def _facts(key: ApiKey) -> tuple[object, ...]:
    return key.environment, key.consumer_id, key.tags, key.metadata
