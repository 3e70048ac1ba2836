"""Integrations in the keys database; the keys themselves are among the encrypted secrets."""

from typing import Any

from sqlalchemy import Connection, Row, delete, select

from ari.integrations.model import Integration, TestResult
from ari.storage.dialect import insert
from ari.storage.tables import integrations

_t = integrations.c


class IntegrationTable:
    """Implements ``integrations.ports.IntegrationStore`` inside the transaction of ``connection``."""

    def __init__(self, connection: Connection, *, writing: bool) -> None:
        self._connection = connection
        self._writing = writing

    def get(self, provider: str) -> Integration | None:
        query = select(integrations).where(_t.provider == provider)
        row = self._connection.execute(query.with_for_update() if self._writing else query).first()
        return None if row is None else _integration(row)

    def all(self) -> list[Integration]:
        return [_integration(row) for row in self._connection.execute(select(integrations).order_by(_t.provider))]

    def save(self, integration: Integration) -> None:
        tested = integration.tested
        kept = {
            "id": integration.id,
            "base_url": integration.base_url,
            "base_url_by": integration.base_url_by,
            "key_choice": integration.key_choice,
            "tested_at_ms": integration.tested_at_ms,
            "test_outcome": None if tested is None else tested.outcome,
            "test_words": None if tested is None else tested.words,
            "failing_since_ms": integration.failing_since_ms,
            "failing_reason": integration.failing_reason,
        }
        row = insert(self._connection, integrations).values(provider=integration.provider, **kept)
        self._connection.execute(row.on_conflict_do_update(index_elements=["provider"], set_=kept))

    def remove(self, provider: str) -> None:
        self._connection.execute(delete(integrations).where(_t.provider == provider))


def _integration(row: Row[Any]) -> Integration:
    return Integration(
        id=row.id,
        provider=row.provider,
        base_url=row.base_url,
        base_url_by=row.base_url_by,
        key_choice=row.key_choice or "round_robin",
        tested_at_ms=row.tested_at_ms,
        tested=None if row.test_outcome is None else TestResult(row.test_outcome, row.test_words),
        failing_since_ms=row.failing_since_ms,
        failing_reason=row.failing_reason,
    )
