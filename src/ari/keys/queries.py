"""Read keys."""

from collections.abc import Iterable
from typing import NamedTuple

from ari.base.errors import NotFound
from ari.base.ids import is_id
from ari.keys.lineage import find_descendants
from ari.keys.model import ApiKey, KeySecret
from ari.keys.ports import Activity, KeyTransaction

MAX_LISTED_SECRETS = 100


def get(tx: KeyTransaction, key_id: str) -> ApiKey:
    """The key. Raises ``NotFound``."""
    key = tx.keys.get(key_id) if is_id("key", key_id) else None
    if key is None:
        raise NotFound("No such API key.")
    return key


def get_even_deleted(tx: KeyTransaction, key_id: str) -> ApiKey:
    """The key, also after it was deleted. Raises ``NotFound``."""
    try:
        return get(tx, key_id)
    except NotFound:
        gone = tx.keys.tombstone(key_id) if is_id("key", key_id) else None
        if gone is None:
            raise
        return gone


def get_secrets(tx: KeyTransaction, key_id: str) -> list[KeySecret]:
    """The newest secrets of a key without their text, newest first, retired ones included."""
    return tx.key_secrets.list_secrets(key_id, MAX_LISTED_SECRETS)


def get_page(tx: KeyTransaction, activity: Activity, before_id: str | None, limit: int) -> list[ApiKey]:
    """At most ``limit`` keys with an id smaller than ``before_id``, newest first."""
    return tx.keys.page(tx.now_ms, activity, before_id, limit)


def get_names(tx: KeyTransaction, key_ids: Iterable[str]) -> dict[str, str | None]:
    """The names of these keys, deleted ones included; ``None`` for an id that no key has had."""
    found = {key_id: tx.keys.tombstone(key_id) for key_id in key_ids}
    return {key_id: None if key is None else key.name for key_id, key in found.items()}


class KeyNames(NamedTuple):
    """The names of a key and of its consumer, and the consumer's id; empty where there is none."""

    key: str = ""
    consumer_id: str = ""
    consumer: str = ""


def get_names_with_consumers(tx: KeyTransaction, key_ids: Iterable[str]) -> dict[str, KeyNames]:
    """The names of these keys and of their consumers, deleted keys included."""
    names = dict[str, KeyNames]()
    for key_id in key_ids:
        key = tx.keys.tombstone(key_id)
        if key is not None:
            names[key_id] = KeyNames(key.name, *(() if key.consumer is None else (key.consumer.id, key.consumer.name)))
    return names


def get_active_made_by(tx: KeyTransaction, key_id: str) -> list[ApiKey]:
    """The keys that this key created or let do more, and theirs, which work or are disabled."""
    made = find_descendants(tx, key_id)
    return [key for key in made if key.deleted_at_ms is None and not key.is_inactive(tx.now_ms)]
