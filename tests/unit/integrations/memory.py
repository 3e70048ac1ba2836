"""Integrations, encrypted secrets and events in memory: the ports without a database."""

from dataclasses import dataclass, field, replace

import msgspec

from ari.base.caller import SYSTEM, Caller
from ari.base.clock import Clock
from ari.base.master_key import MasterKeys
from ari.integrations.ai_rules.model import NO_RULES, AiRules, Part, PartName
from ari.integrations.model import Integration, ProviderKey
from ari.integrations.upstreams import Upstream
from ari.keys.model import ApiKey
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
class MemoryAiRules:
    """Fulfils ``AiRulesStore``."""

    rules: AiRules = NO_RULES

    def get(self) -> AiRules:
        return self.rules

    def save(self, name: PartName, part: Part, actor: str, now_ms: int) -> None:
        self.rules = msgspec.structs.replace(self.rules, **{name: part})


@dataclass
class MemoryProviderKeys:
    """Fulfils ``ProviderKeyStore``."""

    rows: dict[str, ProviderKey] = field(default_factory=dict)

    def of(self, provider: str) -> tuple[ProviderKey, ...]:
        found = [one for one in self.rows.values() if one.provider == provider]
        return tuple(sorted(found, key=lambda one: (one.position, one.id)))

    def get(self, key_id: str) -> ProviderKey | None:
        return self.rows.get(key_id)

    def save(self, key: ProviderKey) -> None:
        self.rows[key.id] = key

    def remove(self, key: ProviderKey) -> None:
        self.rows.pop(key.id, None)


@dataclass
class MemoryUpstreams:
    """Fulfils ``UpstreamStore``. ``listed`` counts the API keys that list a scope, by name."""

    rows: dict[str, Upstream] = field(default_factory=dict)
    listed: dict[str, int] = field(default_factory=dict)

    def get(self, name: str) -> Upstream | None:
        return self.rows.get(name)

    def all(self) -> list[Upstream]:
        return [self.rows[name] for name in sorted(self.rows)]

    def save(self, upstream: Upstream) -> None:
        self.rows[upstream.name] = upstream

    def remove(self, name: str) -> None:
        self.rows.pop(name, None)

    def count_keys_with_scopes(self, name: str, now_ms: int) -> int:
        return self.listed.get(name, 0)


@dataclass
class MemoryLineage:
    """Fulfils ``LineageStore``. ``made`` has the keys that each key created or extended."""

    made: dict[str, list[ApiKey]] = field(default_factory=dict)

    def get(self, key_id: str) -> ApiKey | None:
        return next((key for keys in self.made.values() for key in keys if key.id == key_id), None)

    def list_made_by(self, actor: str) -> list[ApiKey]:
        return self.made.get(actor, [])

    def sources_of(self, key_id: str) -> list[str]:
        return [maker for maker, keys in self.made.items() if any(key.id == key_id for key in keys)]


@dataclass
class MemoryIntegrationTransaction:
    """Fulfils ``IntegrationTransaction``; it never ends, and its time goes on."""

    clock: Clock
    master_keys: MasterKeys
    caller: Caller = SYSTEM
    integrations: MemoryIntegrations = field(default_factory=MemoryIntegrations)
    provider_keys: MemoryProviderKeys = field(default_factory=MemoryProviderKeys)
    upstreams: MemoryUpstreams = field(default_factory=MemoryUpstreams)
    sealed: MemorySealed = field(default_factory=MemorySealed)
    keys: MemoryLineage = field(default_factory=MemoryLineage)
    ai_rules: MemoryAiRules = field(default_factory=MemoryAiRules)
    events: MemoryEvents = field(default_factory=MemoryEvents)

    @property
    def now_ms(self) -> int:
        return self.clock.now_ms()

    def by(self, caller: Caller) -> "MemoryIntegrationTransaction":
        """The same transaction with another caller."""
        return replace(self, caller=caller)
