"""Events that a request causes without a command: each is written at most once an hour in each process."""

from ari.base.caller import SYSTEM, Caller
from ari.base.clock import HOUR_MS
from ari.base.errors import AriError
from ari.base.events import Event, Origin
from ari.base.ids import new_id
from ari.base.throttle import Throttle
from ari.instance import Instance
from ari.keys import manage
from ari.keys.model import ApiKey

_MAX_KEYS = 1_000
_UNAUTHORIZED = "unauthorized_route"


class SecurityEvents:
    """Belongs to one event loop."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._hourly = Throttle(HOUR_MS, instance.now_ms, _MAX_KEYS)

    async def report_unauthorized(self) -> None:
        """Write the event ``unauthorized_route``."""
        if not self._hourly.allows(_UNAUTHORIZED):
            return
        now_ms = self._instance.now_ms()
        event = Event(new_id("evt", now_ms), now_ms, _UNAUTHORIZED, SYSTEM.actor, None, SYSTEM.origin)
        await self._instance.acommand(SYSTEM, lambda unit, _: unit.events.append_bounded(event))

    async def report_key_in_url(self, key: ApiKey, origin: Origin) -> None:
        """Write the event ``key_exposed``, for each key apart."""
        if not self._hourly.allows(key.id):
            return
        now_ms = self._instance.now_ms()
        caller = Caller("system", origin)
        try:
            await self._instance.acommand(caller, lambda unit, by: manage.expose(unit, by, now_ms, key))
        except AriError:
            self._hourly.forget(key.id)  # the next request writes it
            raise
