"""Events that a request causes without a command: each is considered at most once an hour in each process."""

import structlog

from ari import keys
from ari.base.caller import Caller
from ari.base.clock import HOUR_MS
from ari.base.errors import AriError
from ari.base.events import Origin
from ari.base.throttle import Throttle
from ari.base.transaction import record_bounded
from ari.deps import Deps
from ari.instance import Instance
from ari.keys.model import ApiKey

_log = structlog.get_logger("ari.http")
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
        await Deps(self._instance).do(record_bounded, _UNAUTHORIZED)

    def warn_about_proxy(self, sentence: str) -> None:
        """Log why no request passes a proxy; each sentence apart."""
        if self._hourly.allows(sentence):
            _log.warning("a proxy is misconfigured", detail=sentence)

    async def report_key_in_url(self, key: ApiKey, origin: Origin) -> None:
        """Write the event ``key_exposed``, for each key apart."""
        if not self._hourly.allows(key.id):
            return
        try:
            await Deps(self._instance, Caller("system", origin)).do(keys.record_exposure, key)
        except AriError:
            self._hourly.forget(key.id)  # the next request writes it
            raise
