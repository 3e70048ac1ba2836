"""Integrations, encrypted secrets and events in memory: the ports without a database."""

from dataclasses import dataclass, field, replace

from ari.base.caller import SYSTEM, Caller
from ari.base.clock import Clock
from ari.base.master_key import MasterKeys
from ari.integrations.model import Integration
from tests.unit.accounts.memory import MemoryEvents, MemorySealed


@dataclass
class MemoryIntegrations:
    """Fulfils ``IntegrationStore``."""

    rows: dict[str, Integration] = field(default_factory=dict)

    def get(self, provider: str) -> Integration | None:
        return self.rows.get(provider)

    def all(self) -> list[Integration]:
        return [self.rows[name] for name in sorted(self.rows)]

    def save(self, integration: Integration) -> None:
        self.rows[integration.provider] = integration

    def remove(self, provider: str) -> None:
        self.rows.pop(provider, None)


@dataclass
class MemoryIntegrationTransaction:
    """Fulfils ``IntegrationTransaction``; it never ends, and its time goes on."""

    clock: Clock
    master_keys: MasterKeys
    caller: Caller = SYSTEM
    integrations: MemoryIntegrations = field(default_factory=MemoryIntegrations)
    sealed: MemorySealed = field(default_factory=MemorySealed)
    events: MemoryEvents = field(default_factory=MemoryEvents)

    @property
    def now_ms(self) -> int:
        return self.clock.now_ms()

    def by(self, caller: Caller) -> "MemoryIntegrationTransaction":
        """The same transaction with another caller."""
        return replace(self, caller=caller)
