"""Provider keys of the instance in the data directory."""

import asyncio
from typing import TYPE_CHECKING, Any

from ari.base.errors import Conflict, NotFound
from ari.integrations import commands, pool
from ari.integrations.credentials import state, states
from ari.integrations.facts import integration_facts, provider_key_facts
from ari.integrations.key_test import probe_provider
from ari.integrations.model import KeyChoice, Provider
from ari.integrations.providers import providers
from ari.integrations.upstream_commands import add_upstream, remove_upstream
from ari.integrations.upstreams import find_provider, list_providers

if TYPE_CHECKING:
    from ari.deps import Deps


class LocalIntegrations:
    def __init__(self, deps: "Deps") -> None:
        self._deps = deps

    def list_all(self) -> list[dict[str, Any]]:
        found = self._deps.read_sync(states, self._deps.instance.provider_environment)
        used = self._deps.instance.reports.ai_last_used()
        return [integration_facts(one, used.get(one.provider.name)) for one in found]

    def get(self, name: str) -> dict[str, Any]:
        return self._describe(self._find(name))

    def set_key(self, name: str, key: str) -> dict[str, Any]:
        provider = self._find(name)
        self._deps.do_sync(commands.put_key, provider, self._deps.instance.provider_environment, key)
        return self._describe(provider)

    def find_key_lost_by(self, name: str, base_url: str | None) -> str | None:
        """The masks of the stored keys that ``set_base_url`` would delete, if any."""
        return self._deps.read_sync(commands.find_key_lost_by, self._find(name), base_url)

    def set_base_url(self, name: str, base_url: str | None, agreed: str | None, *, force: bool) -> dict[str, Any]:
        """Set the base URL, which deletes the ``agreed`` key, or with ``force`` any. Raises ``Conflict`` for others."""
        provider, environment = self._find(name), self._deps.instance.provider_environment

        def change(tx: commands.BaseUrlTransaction) -> None:
            if not force and commands.find_key_lost_by(tx, provider, base_url) != agreed:
                raise Conflict("key_changed", f"The {provider.title} key just changed. Nothing was done. Try again.")
            commands.set_base_url(tx, provider, base_url, environment.private_addresses)

        self._deps.do_sync(change)
        return self._describe(provider)

    def remove(self, name: str) -> None:
        self._deps.do_sync(commands.remove, self._find(name))

    def test(self, name: str, key_id: str | None) -> dict[str, Any]:
        """``outcome`` and ``words`` of a test of the key, or of the first."""
        instance = self._deps.instance
        work = probe_provider(self._deps, instance.prober, self._find(name), instance.provider_environment, key_id)
        result = asyncio.run(work)
        return {"outcome": result.outcome, "words": result.words}

    def add_key(self, name: str, key: str, label: str) -> dict[str, Any]:
        environment = self._deps.instance.provider_environment
        return provider_key_facts(self._deps.do_sync(pool.add_key, self._find(name), environment, key, label))

    def change_key(self, name: str, key_id: str, change: dict[str, Any]) -> dict[str, Any]:
        """Set what ``change`` names: ``key``, ``label``, ``position``."""
        provider, environment = self._find(name), self._deps.instance.provider_environment
        if "key" in change:
            changed = self._deps.do_sync(pool.replace_key, provider, environment, key_id, change["key"])
        else:
            changed = self._deps.do_sync(pool.change_key, provider, key_id, change.get("label"), change.get("position"))
        return provider_key_facts(changed)

    def remove_key(self, name: str, key_id: str) -> None:
        self._deps.do_sync(pool.remove_key, self._find(name), key_id)

    def set_key_choice(self, name: str, choice: KeyChoice) -> None:
        self._deps.do_sync(pool.set_key_choice, self._find(name), choice)

    def list_upstreams(self) -> list[dict[str, Any]]:
        return [one for one in self.list_all() if one["provider"] not in providers()]

    def add_upstream(self, name: str, title: str, base_url: str) -> dict[str, Any]:
        listed = self._deps.instance.provider_environment.private_addresses
        return self._describe(self._deps.do_sync(add_upstream, name, title, base_url, listed))

    def remove_upstream(self, name: str) -> None:
        self._deps.do_sync(remove_upstream, name)

    def _describe(self, provider: Provider) -> dict[str, Any]:
        found = self._deps.read_sync(state, provider, self._deps.instance.provider_environment)
        return integration_facts(found, self._deps.instance.reports.ai_last_used().get(provider.name))

    def _find(self, name: str) -> Provider:
        try:
            return self._deps.read_sync(find_provider, name)
        except NotFound:
            known = ", ".join(one.name for one in self._deps.read_sync(list_providers))
            raise NotFound(f"Unknown provider. Choose one of: {known}.") from None
