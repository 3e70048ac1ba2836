"""Create, change, delete and read consumers: those whom keys belong to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ari.base.errors import Conflict, Invalid, NotFound, Problem
from ari.base.ids import is_id, new_id
from ari.base.transaction import record
from ari.keys.model import Consumer
from ari.keys.names import parse_name
from ari.keys.ownership import metadata_facts, parse_external_id, parse_metadata
from ari.keys.ports import KeyTransaction
from ari.keys.unset import UNSET, Unset

TAKEN = "Another consumer has this external ID."


@dataclass(frozen=True, slots=True)
class NewConsumer:
    """The properties of a consumer to create; ``external_id`` is the operator's own id of it."""

    name: str
    external_id: str | None = None
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ConsumerChange:
    """New values; ``UNSET`` leaves a field as it is."""

    name: str | Unset = UNSET
    external_id: str | Unset | None = UNSET
    metadata: Mapping[str, Any] | Unset | None = UNSET


def create_consumer(tx: KeyTransaction, new: NewConsumer) -> Consumer:
    """Raises ``Invalid``, or ``Conflict("consumer_exists")`` for an external ID that another has."""
    consumer = Consumer(
        id=new_id("con", tx.now_ms),
        name=parse_name(new.name),
        external_id=parse_external_id(new.external_id),
        metadata=parse_metadata(new.metadata),
        created_at_ms=tx.now_ms,
        created_by=tx.caller.actor,
    )
    _require_free(tx, consumer)
    tx.consumers.add(consumer)
    record(tx, "consumer_created", consumer.id, {"name": consumer.name, "external_id": consumer.external_id})
    return consumer


def change_consumer(tx: KeyTransaction, reference: str, wanted: ConsumerChange) -> Consumer:
    """Rename, or change the external ID or the metadata; one event with what differs. Raises as ``create_consumer``,
    and ``NotFound``."""
    before = get_consumer(tx, reference)
    after = before
    if wanted.name is not UNSET:
        after = replace(after, name=parse_name(wanted.name))
    if wanted.external_id is not UNSET:
        after = replace(after, external_id=parse_external_id(wanted.external_id))
    if wanted.metadata is not UNSET:
        after = replace(after, metadata=parse_metadata(wanted.metadata))
    if after == before:
        return before
    _require_free(tx, after)
    tx.consumers.save(after)
    record(tx, "consumer_changed", after.id, _differences(before, after))
    return after


def delete_consumer(tx: KeyTransaction, reference: str) -> None:
    """Raises ``NotFound``, or ``Conflict("consumer_has_keys")`` while it has keys that are not deleted."""
    consumer = get_consumer(tx, reference)
    count = tx.consumers.count_keys(consumer.id)
    if count:
        keys = "an API key" if count == 1 else f"{count} API keys"
        raise Conflict("consumer_has_keys", f"This consumer has {keys}. Delete or move its keys first.")
    tx.consumers.remove(consumer.id)
    record(tx, "consumer_deleted", consumer.id, {"name": consumer.name, "external_id": consumer.external_id})


def get_consumer(tx: KeyTransaction, reference: str) -> Consumer:
    """The consumer with this ID or external ID. Raises ``NotFound``."""
    found = find_consumer(tx, reference)
    if found is None:
        raise NotFound("No such consumer.")
    return found


def find_consumer(tx: KeyTransaction, reference: str) -> Consumer | None:
    """The consumer with this ID or external ID, if any."""
    if is_id("con", reference):
        return tx.consumers.get(reference)
    return tx.consumers.find(reference) if reference.isascii() and reference.isprintable() else None


def require_consumer(tx: KeyTransaction, reference: str | None) -> Consumer | None:
    """The consumer that a new or changed key names; ``None`` for none. Raises ``Invalid``."""
    if reference is None:
        return None
    found = find_consumer(tx, reference)
    if found is None:
        raise Invalid(Problem("consumer", "No such consumer. Use its ID or external ID; create it first if it's new."))
    return found


def get_consumers(tx: KeyTransaction, text: str, before_id: str | None, limit: int) -> list[Consumer]:
    """At most ``limit`` consumers, newest first, whose name, ID or external ID contains ``text``."""
    return tx.consumers.page(text, before_id, limit)


def count_keys_of(tx: KeyTransaction, consumer_id: str) -> int:
    """How many keys of a consumer are not deleted."""
    return tx.consumers.count_keys(consumer_id)


def consumer_facts(consumer: Consumer) -> dict[str, Any]:
    """What verify and a key's JSON say about its consumer."""
    return {
        "id": consumer.id,
        "external_id": consumer.external_id,
        "name": consumer.name,
        "metadata": metadata_facts(consumer.metadata),
    }


def _require_free(tx: KeyTransaction, consumer: Consumer) -> None:
    other = None if consumer.external_id is None else tx.consumers.find(consumer.external_id)
    if other is not None and other.id != consumer.id:
        raise Conflict("consumer_exists", TAKEN)


def _differences(before: Consumer, after: Consumer) -> dict[str, Any]:
    detail: dict[str, Any] = {}
    for field in ("name", "external_id"):
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            detail[field] = {"from": old, "to": new}
    if before.metadata != after.metadata:
        detail["metadata"] = "changed"
    return detail
