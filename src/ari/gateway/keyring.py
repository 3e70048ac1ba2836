"""The credential of each request: read anew every time, opened anew only where what is stored has changed."""

from typing import NamedTuple

from ari.instance import Instance
from ari.integrations.credentials import Stored, credential_of
from ari.integrations.model import Credential, Provider


class ResolvedCredential(NamedTuple):
    """``failing``: the provider's card says so already."""

    credential: Credential
    failing: bool


class Keyring:
    """Belongs to one event loop. Of each provider the credential in use is held, and none that is not."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._finder = instance.database.provider_finder()
        self._held: dict[str, tuple[Stored, ResolvedCredential]] = {}

    async def find(self, provider: Provider) -> ResolvedCredential:
        """What speaks to the provider now.

        Raises ``Conflict`` where it is not configured, ``Unavailable`` where that cannot be read or opened.
        """
        stored = await self._finder.find(provider.name)
        remembered = self._held.get(provider.name)
        if remembered is not None and remembered[0] == stored:
            return remembered[1]
        self._held.pop(provider.name, None)
        instance = self._instance
        credential = credential_of(stored, instance.master_keys, provider, instance.provider_environment)
        held = ResolvedCredential(credential, stored.row is not None and stored.row.failing_since_ms is not None)
        self._held[provider.name] = stored, held
        return held

    async def close(self) -> None:
        """Forget everything."""
        self._held.clear()
        await self._finder.close()
