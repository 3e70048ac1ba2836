"""The row of an integration and the events about it."""

from typing import Any

from ari.base.caller import Caller
from ari.base.ids import new_id
from ari.base.transaction import record
from ari.integrations.model import Integration, Provider
from ari.integrations.ports import IntegrationTransaction


def get_stored_row(tx: IntegrationTransaction, provider: Provider) -> Integration | None:
    """The stored row, ``None`` if there is none."""
    return tx.integrations.get(provider.name)


def get_row(tx: IntegrationTransaction, provider: Provider) -> Integration:
    return tx.integrations.get(provider.name) or Integration(new_id("int", tx.now_ms), provider.name)


def record_integration(
    tx: IntegrationTransaction, name: str, provider: Provider, detail: dict[str, Any], *, caller: Caller | None = None
) -> None:
    record(tx, name, provider.name, {"provider": provider.name} | detail, caller=caller)
