"""The credential for each request: read on every request, decrypted again only if the stored key changed."""

from typing import NamedTuple

from ari.instance import Instance
from ari.integrations.credentials import Stored, credential_of
from ari.integrations.model import Credential, Provider


class ResolvedCredential(NamedTuple):
    """``failing``: the provider's card shows a failure already."""

    credential: Credential
    failing: bool


class Keyring:
    """Belongs to one event loop. Keeps one decrypted credential per provider, the current one."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._lookup = instance.open_provider_lookup()
        self._held: dict[str, tuple[Stored, ResolvedCredential]] = {}

    async def find(self, provider: Provider) -> ResolvedCredential:
        """The current credential of the provider.

        Raises ``Conflict`` if there is none, ``Unavailable`` if it cannot be read or decrypted.
        """
        stored = await self._lookup.find(provider.name)
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
        """Forget all credentials."""
        self._held.clear()
        await self._lookup.close()
