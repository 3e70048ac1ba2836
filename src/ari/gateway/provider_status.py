"""Records on a provider's card that its key was rejected, that it is unreachable, or that it works again."""

from collections.abc import Callable

import structlog

from ari.base.errors import AriError
from ari.base.throttle import Throttle
from ari.deps import Deps
from ari.gateway.keyring import ResolvedCredential
from ari.instance import Instance
from ari.integrations import health

_MAX_NAMES = 1_000
_REST_SECONDS = 10.0
"""At most one write per status in this time, so a provider that keeps changing does not cause a write per call."""

_log = structlog.get_logger("ari.gateway")


class ProviderStatus:
    """The provider status as one process sees it."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._throttle = Throttle(_REST_SECONDS, instance.clock.monotonic, _MAX_NAMES)

    async def record_rejection(self, held: ResolvedCredential, reason: str, status: int) -> None:
        """The provider rejected the key."""
        if not held.is_key_failing and self._is_due(held, "rejected"):
            await self._note(held, health.record_rejected, reason, status)

    async def unreachable(self, held: ResolvedCredential, reason: str) -> None:
        """The provider did not respond."""
        if not held.is_provider_failing and self._is_due(held, "unreachable"):
            await self._note(held, health.record_unreachable, reason, None)

    async def works(self, held: ResolvedCredential) -> None:
        """The provider accepted the key."""
        if held.failing and self._is_due(held, "works"):
            await self._note(held, health.record_working)

    def _is_due(self, held: ResolvedCredential, word: str) -> bool:
        credential = held.credential
        return self._throttle.allows((credential.provider.name, credential.key_id, credential.added_at_ms, word))

    async def _note(self, held: ResolvedCredential, note: Callable[..., None], *facts: object) -> None:
        credential = held.credential
        try:
            await Deps(self._instance).do(note, credential, *facts)
        except AriError as error:
            _log.warning(
                "could not record the status of a provider", provider=credential.provider.name, reason=str(error)
            )
