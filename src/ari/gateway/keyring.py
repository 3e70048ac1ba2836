"""The credential for each request: read on every request, decrypted again only if the stored key changed."""

import math
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from ari.base.errors import NotFound
from ari.gateway.key_rotation import KeyRotation
from ari.instance import Instance
from ari.integrations.credentials import Stored, StoredKey, credential_of, find_environment_credential
from ari.integrations.model import Credential, Provider
from ari.integrations.providers import providers
from ari.integrations.upstreams import make_upstream_provider


class ResolvedCredential(NamedTuple):
    """``is_provider_failing`` and ``is_key_failing``: the provider's card shows that already.

    ``key`` is the stored key, if it is one; ``is_pooled``: it is one of several.
    """

    credential: Credential
    is_provider_failing: bool
    is_key_failing: bool
    key: StoredKey | None = None
    is_pooled: bool = False

    @property
    def failing(self) -> bool:
        """Whether the card shows any failure."""
        return self.is_provider_failing or self.is_key_failing


class NoKeyLeft(Exception):
    """All keys of the provider are limited or rejected. ``retry_after_seconds`` is ``None`` if all are rejected."""

    def __init__(self, provider: Provider, retry_after_seconds: int | None) -> None:
        super().__init__(provider.name)
        self.provider = provider
        self.retry_after_seconds = retry_after_seconds


class Keyring:
    """Belongs to one event loop. Keeps the decrypted credentials of each provider, the current ones."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self.added_headers = _group_headers(instance.settings.ai_request_headers)
        """By provider: ``ARI_AI_REQUEST_HEADERS``."""
        self._lookup = instance.open_provider_lookup()
        self.rotation = KeyRotation(instance.clock.monotonic, instance.key_rests)
        self._held: dict[str, tuple[Stored, Provider, dict[str | None, ResolvedCredential]]] = {}
        """The last read of each provider, and its credentials by key ID."""

    async def find(
        self, provider: Provider, consumer: str = "", tried: AbstractSet[str] = frozenset(), model: str = ""
    ) -> ResolvedCredential:
        """A credential of the provider that may be used now, chosen for the consumer; not a key of ``tried``.

        ``model`` is the one requested, if it is known: a key may be limited for some models only.

        Raises ``NoKeyLeft``, ``Conflict`` if the provider isn't set up, ``NotFound`` if it is a named upstream that
        does not exist, and ``Unavailable`` if the keys can't be read or decrypted.
        """
        stored, provider, held = await self._read(provider)
        chosen = None
        if stored.keys and find_environment_credential(provider, self._instance.provider_environment) is None:
            choice = "round_robin" if stored.row is None else stored.row.key_choice
            chosen = self.rotation.choose(provider.name, stored.keys, choice, consumer, tried, model)
            if chosen is None:
                wait = self.rotation.seconds_until_available(stored.keys, model)
                raise NoKeyLeft(provider, None if wait is None else max(1, math.ceil(wait)))
        name = None if chosen is None else chosen.key.id
        if name not in held:
            held[name] = self._resolve(stored, provider, chosen)
        return held[name]

    async def change_for(self, held: ResolvedCredential, model: str, consumer: str) -> ResolvedCredential:
        """The credential, or another one if its key rests for the model. Raises like ``find``."""
        if held.key is None or self.rotation.is_available(held.key, model):
            return held
        return await self.find(held.credential.provider, consumer, model=model)

    async def _read(self, provider: Provider) -> tuple[Stored, Provider, dict[str | None, ResolvedCredential]]:
        name = provider.name
        stored, title = await self._lookup.find(name)
        if name not in providers():
            if title is None:
                self._held.pop(name, None)
                raise NotFound("The AI gateway has no such provider.")
            provider = make_upstream_provider(name, title)
        remembered = self._held.get(name)
        if remembered is None or remembered[0] != stored or remembered[1] is not provider:
            remembered = self._held[name] = stored, provider, {}
        return remembered

    def _resolve(self, stored: Stored, provider: Provider, chosen: StoredKey | None) -> ResolvedCredential:
        instance = self._instance
        try:
            credential = credential_of(stored, instance.master_keys, provider, instance.provider_environment, chosen)
        except BaseException:
            self._lookup.forget(provider.name)  # its master key may just have been replaced
            raise
        failing = stored.row is not None and stored.row.failing_since_ms is not None
        is_key_failing = failing if chosen is None else chosen.key.failing_since_ms is not None
        return ResolvedCredential(credential, failing, is_key_failing, chosen, len(stored.keys) > 1)

    async def close(self) -> None:
        """Forget all credentials."""
        self._held.clear()
        await self._lookup.close()


def _group_headers(listed: tuple[str, ...]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for one in listed:
        provider, _, name = one.partition("/")
        found.setdefault(provider, set()).add(name)
    return {provider: frozenset(names) for provider, names in found.items()}
