"""The AI gateway, ``/api/ai/{provider}/…``: callers send an ARI API key, and ARI sends the stored provider key.

The provider key never leaves the instance. The official SDKs work with the gateway's address as their base URL.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.routing import BaseRoute

from ari.gateway import openapi, route
from ari.gateway.checks import refuse
from ari.gateway.costs import RequestPrices
from ari.gateway.forward import Forwarding
from ari.gateway.injected_body import BodyBudget
from ari.gateway.keyring import Keyring
from ari.gateway.provider_status import ProviderStatus
from ari.gateway.read_rate import ReadRates
from ari.gateway.request_body import read_body
from ari.gateway.usage_injection import OptionSupport
from ari.http.context import RequestContext
from ari.http.fault_response import fault_response
from ari.http.problem import Fault
from ari.http.responses import Response
from ari.http.services import Services
from ari.instance import Instance
from ari.keys.reasons import REQUEST_ERRORS
from ari.outbound.http import HttpClient, Timeouts
from ari.prices.book import PriceBook


class Gateway:
    """The gateway of one process. It connects on the first request."""

    def __init__(self, instance: Instance) -> None:
        settings = instance.settings
        self.max_seconds = settings.ai_max_seconds
        self.timeouts = Timeouts(idle_seconds=settings.ai_idle_seconds, whole_seconds=None)
        self.client = HttpClient()
        self.provider_status = ProviderStatus(instance)
        self.option_support = OptionSupport()
        self.body_budget = BodyBudget()
        self.read_rates = ReadRates(instance.clock)
        self.prices = PriceBook()
        self._keyring = Keyring(instance)
        self._ai_rules = instance.open_ai_rules_lookup()

    async def handle(self, context: RequestContext, services: Services) -> Response | None:
        """Forward one request. Its usage row is committed before the provider receives anything."""
        target = route.target_of_raw(context.head.raw_path)
        if target is None:
            fault = Fault(REQUEST_ERRORS["not_found"], "The AI gateway has no such provider.")
            return fault_response(context, services, fault)
        refused = refuse(context, target)
        if refused is not None:
            return fault_response(context, services, refused)
        rules = await self._ai_rules.find()
        if not self.prices.is_loaded:
            await asyncio.to_thread(self.prices.load)
        held = await self._keyring.find(target.provider)
        await context.record.commit_before_handler()
        sent = await read_body(context.head, context.receive)
        now_ms = services.clock.now_ms()
        prices = RequestPrices(self.prices, rules.prices, target, context.head.method, now_ms)
        return await Forwarding(self, context, services, target, held, sent, prices).run()

    async def close(self) -> None:
        """Close all connections."""
        await self.client.close()
        await self._keyring.close()
        await self._ai_rules.close()


def routes(gateway: Gateway, problems: Callable[..., dict[int | str, Any]]) -> list[BaseRoute]:
    """The gateway's routes. ``problems`` describes error responses for OpenAPI."""
    return openapi.routes(gateway.handle, problems)
