"""What calls tell of a provider, written down for its card: each change, not each call."""

from collections.abc import Callable

import structlog

from ari.base.caller import SYSTEM
from ari.base.errors import AriError
from ari.gateway.keyring import ResolvedCredential
from ari.instance import Instance
from ari.integrations import manage
from ari.integrations.model import Integration

_REST_SECONDS = 10.0
"""So long a provider's word counts in this process: one that comes and goes does not write with every call."""

_log = structlog.get_logger("ari.gateway")


class ProviderStatus:
    """The notes of one process."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._noted: dict[tuple[str, int | None, str], float] = {}

    async def rejected(self, held: ResolvedCredential, reason: str, status: int) -> None:
        """The provider refused the key."""
        if not held.failing and self._is_due(held, "rejected"):
            await self._note(held, manage.note_rejected, reason, status)

    async def unreachable(self, held: ResolvedCredential, reason: str) -> None:
        """No answer came."""
        if not held.failing and self._is_due(held, "unreachable"):
            await self._note(held, manage.note_unreachable, reason, None)

    async def works(self, held: ResolvedCredential) -> None:
        """The provider took the key."""
        if held.failing and self._is_due(held, "works"):
            await self._note(held, manage.note_working)

    def _is_due(self, held: ResolvedCredential, word: str) -> bool:
        credential, now = held.credential, self._instance.clock.monotonic()
        name = (credential.provider.name, credential.added_at_ms, word)
        if now < self._noted.get(name, float("-inf")) + _REST_SECONDS:
            return False
        if len(self._noted) > 1_000:
            self._noted.clear()
        self._noted[name] = now
        return True

    async def _note(self, held: ResolvedCredential, note: Callable[..., Integration], *facts: object) -> None:
        instance, credential = self._instance, held.credential
        try:
            await instance.acommand(SYSTEM, lambda unit, _: note(unit, instance.now_ms(), credential, *facts))
        except AriError as error:
            _log.warning("how a provider does could not be noted", provider=credential.provider.name, reason=str(error))
