"""Consumers in SQL; implements ``keys.ports.ConsumerStore``."""

from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from ari.keys.model import ApiKey, Consumer
from ari.keys.names import fold_name
from ari.keys.policy import encode_policy
from ari.storage.stores.keys import BUDGETS_IN_POLICY, COLUMNS, CONSUMER_COLUMNS, KEYS, consumer_of, key_of
from ari.storage.tables import api_keys, consumers

_c = consumers.c


class ConsumerTable:
    """Consumers inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, consumer: Consumer) -> None:
        made = {"id": consumer.id, "created_at_ms": consumer.created_at_ms, "created_by": consumer.created_by}
        self._connection.execute(consumers.insert().values(**made, **_changeable(consumer)))

    def get(self, consumer_id: str) -> Consumer | None:
        row = self._connection.execute(select(*CONSUMER_COLUMNS).where(_c.id == consumer_id)).first()
        return None if row is None else consumer_of(row)

    def find(self, external_id: str) -> Consumer | None:
        row = self._connection.execute(select(*CONSUMER_COLUMNS).where(_c.external_id == external_id)).first()
        return None if row is None else consumer_of(row)

    def list_named(self, name: str, limit: int) -> list[Consumer]:
        query = select(*CONSUMER_COLUMNS).where(_c.folded_name == fold_name(name)).limit(limit)
        return [found for row in self._connection.execute(query) if (found := consumer_of(row)) is not None]

    def save(self, consumer: Consumer) -> None:
        self._connection.execute(update(consumers).where(_c.id == consumer.id).values(**_changeable(consumer)))

    def remove(self, consumer_id: str) -> None:
        of_it = update(api_keys).where(api_keys.c.consumer_id == consumer_id)
        self._connection.execute(of_it.values(consumer_id=None))  # deleted keys: others keep it from being removed
        self._connection.execute(consumers.delete().where(_c.id == consumer_id))

    def page(self, text: str, before_id: str | None, limit: int) -> list[Consumer]:
        query = select(*CONSUMER_COLUMNS).order_by(_c.id.desc()).limit(limit)
        if before_id is not None:
            query = query.where(_c.id < before_id)
        if text:
            from ari.storage.text_search import contains  # noqa: PLC0415 - most lists search no text

            query = query.where(
                or_(
                    contains(_c.folded_name, fold_name(text)),
                    contains(_c.external_id, text),
                    contains(_c.id, text),
                )
            )
        return [found for row in self._connection.execute(query) if (found := consumer_of(row)) is not None]

    def list_with_budgets(self, before_id: str | None, limit: int) -> list[Consumer]:
        query = select(*CONSUMER_COLUMNS).where(_c.policy.contains(BUDGETS_IN_POLICY)).order_by(_c.id.desc())
        if before_id is not None:
            query = query.where(_c.id < before_id)
        rows = self._connection.execute(query.limit(limit))
        return [found for row in rows if (found := consumer_of(row)) is not None]

    def list_keys(self, consumer_id: str, limit: int) -> list[ApiKey]:
        of_it = and_(api_keys.c.consumer_id == consumer_id, api_keys.c.deleted_at_ms.is_(None))
        query = select(*COLUMNS).select_from(KEYS).where(of_it).order_by(api_keys.c.id.desc()).limit(limit)
        return [key_of(row) for row in self._connection.execute(query)]

    def count_keys(self, consumer_id: str) -> int:
        present = api_keys.c.deleted_at_ms.is_(None)
        query = select(func.count()).select_from(api_keys).where(api_keys.c.consumer_id == consumer_id, present)
        return self._connection.execute(query).scalar_one()


def _changeable(consumer: Consumer) -> dict[str, Any]:
    return {
        "external_id": consumer.external_id,
        "name": consumer.name,
        "folded_name": fold_name(consumer.name),
        "metadata": consumer.metadata,
        "policy": encode_policy(consumer.policy),
    }
