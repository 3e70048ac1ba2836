"""Provider keys of the instance in the data directory."""

import asyncio
from typing import TYPE_CHECKING, Any

from ari.base.errors import Conflict, NotFound
from ari.integrations import commands
from ari.integrations.credentials import state, states
from ari.integrations.facts import integration_facts
from ari.integrations.key_test import probe_provider
from ari.integrations.model import Provider
from ari.integrations.providers import providers

if TYPE_CHECKING:
    from ari.deps import Deps
    from ari.integrations.ports import IntegrationTransaction


class LocalIntegrations:
    def __init__(self, deps: "Deps") -> None:
        self._deps = deps

    def list_all(self) -> list[dict[str, Any]]:
        found = self._deps.read_sync(states, self._deps.instance.provider_environment)
        used = self._deps.instance.reports.ai_last_used()
        return [integration_facts(one, used.get(one.provider.name)) for one in found]

    def get(self, name: str) -> dict[str, Any]:
        return self._describe(_find_provider(name))

    def set_key(self, name: str, key: str) -> dict[str, Any]:
        provider = _find_provider(name)
        self._deps.do_sync(commands.put_key, provider, self._deps.instance.provider_environment, key)
        return self._describe(provider)

    def find_key_lost_by(self, name: str, base_url: str | None) -> str | None:
        """The mask of the stored key that ``set_base_url`` would delete, if any."""
        return self._deps.read_sync(commands.find_key_lost_by, _find_provider(name), base_url)

    def set_base_url(self, name: str, base_url: str | None, agreed: str | None, *, force: bool) -> dict[str, Any]:
        """Set the base URL, which deletes the ``agreed`` key, or with ``force`` any. Raises ``Conflict`` for others."""
        provider, environment = _find_provider(name), self._deps.instance.provider_environment

        def change(tx: "IntegrationTransaction") -> None:
            if not force and commands.find_key_lost_by(tx, provider, base_url) != agreed:
                raise Conflict("key_changed", f"The {provider.title} key just changed. Nothing was done. Try again.")
            commands.set_base_url(tx, provider, base_url, environment.private_addresses)

        self._deps.do_sync(change)
        return self._describe(provider)

    def remove(self, name: str) -> None:
        self._deps.do_sync(commands.remove, _find_provider(name))

    def test(self, name: str) -> dict[str, Any]:
        """``outcome`` and ``words`` of a test of the key."""
        instance = self._deps.instance
        work = probe_provider(self._deps, instance.prober, _find_provider(name), instance.provider_environment)
        result = asyncio.run(work)
        return {"outcome": result.outcome, "words": result.words}

    def _describe(self, provider: Provider) -> dict[str, Any]:
        found = self._deps.read_sync(state, provider, self._deps.instance.provider_environment)
        return integration_facts(found, self._deps.instance.reports.ai_last_used().get(provider.name))


def _find_provider(name: str) -> Provider:
    found = providers().get(name)
    if found is None:
        raise NotFound(f"Unknown provider. Choose one of: {', '.join(providers())}.")
    return found
