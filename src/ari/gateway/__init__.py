"""The AI gateway, ``/api/ai/{provider}/…``: an API key of ours in, the provider's sealed key out.

A program holds only a key of this instance; the provider's never leaves it. The official SDKs work by their base URL.
"""

from collections.abc import Callable
from typing import Any

from starlette.routing import BaseRoute

from ari.gateway import openapi, route
from ari.gateway.asked_body import Room
from ari.gateway.barrier import barrier
from ari.gateway.forward import Forwarding
from ari.gateway.keyring import Keyring
from ari.gateway.pace import Paces
from ari.gateway.provider_status import Notes
from ari.gateway.request_body import read_sent
from ari.gateway.usage_injection import Answers
from ari.http.problem import Fault
from ari.http.request_handler import RequestHandler
from ari.http.responses import Response
from ari.instance import Instance
from ari.keys.reasons import REQUEST_ERRORS
from ari.outbound.http import HttpClient, Patience


class Gateway:
    """The gateway of one process; connects when it is first asked."""

    def __init__(self, instance: Instance) -> None:
        settings = instance.settings
        self.max_seconds = settings.ai_max_seconds
        self.patience = Patience(idle_seconds=settings.ai_idle_seconds, whole_seconds=None)
        self.client = HttpClient()
        self.notes = Notes(instance)
        self.answers = Answers()
        self.room = Room()
        self.paces = Paces(instance.clock)
        self._keyring = Keyring(instance)

    async def handle(self, exchange: RequestHandler) -> Response | None:
        """Forward one request. Its row is committed before the provider hears of it."""
        target = route.target_of_raw(exchange.incoming.raw_path)
        if target is None:
            return exchange.fault(Fault(REQUEST_ERRORS["not_found"], "The AI gateway has no such provider."))
        refused = barrier(exchange, target)
        if refused is not None:
            return exchange.fault(refused)
        held = await self._keyring.find(target.provider)
        await exchange.log_first()
        sent = await read_sent(exchange.incoming, exchange.receive)
        return await Forwarding(self, exchange, target, held, sent).run()

    async def close(self) -> None:
        """Let all connections go."""
        await self.client.close()
        await self._keyring.close()


def routes(gateway: Gateway, problems: Callable[..., dict[int | str, Any]]) -> list[BaseRoute]:
    """The gateway's routes; ``problems`` describes error answers for OpenAPI."""
    return openapi.routes(gateway.handle, problems)
