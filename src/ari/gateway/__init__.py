"""The AI gateway, ``/api/ai/{provider}/…``: callers send an ARI API key, and ARI sends the stored provider key.

The provider key never leaves the instance. The official SDKs work with the gateway's address as their base URL.
"""

import asyncio
from collections.abc import AsyncIterable, Callable, Sequence
from typing import Any

from starlette.routing import BaseRoute

from ari.base.errors import Conflict, LimitExceeded, NotFound
from ari.gateway import openapi, route
from ari.gateway.ai_record import make_refused_use
from ari.gateway.attempts import find_consumer
from ari.gateway.body_budget import BodyBudget
from ari.gateway.budget_plan import BudgetPlanner, has_budgets
from ari.gateway.checks import refuse
from ari.gateway.costs import RequestPrices
from ari.gateway.forward import Forwarding
from ari.gateway.json_tree import is_quick
from ari.gateway.keyring import Keyring, NoKeyLeft, ResolvedCredential
from ari.gateway.known_facts import find_model
from ari.gateway.left_calls import LeftCalls
from ari.gateway.model_aliases import AliasTarget
from ari.gateway.model_plan import ModelPlan, ModelRefusal, make_filter, plan_models
from ari.gateway.provider_errors import make_no_key_left_fault
from ari.gateway.provider_status import ProviderStatus
from ari.gateway.read_rate import ReadRates
from ari.gateway.request_body import read_body
from ari.gateway.target_plan import PlannedTarget, plan_targets, share_charge, skip_uncovered
from ari.gateway.usage_injection import OptionSupport
from ari.http.context import RequestContext
from ari.http.fault_response import fault_response
from ari.http.problem import Fault
from ari.http.responses import Response
from ari.http.services import Services
from ari.instance import Instance
from ari.integrations.ai_rules.model import AiRules
from ari.integrations.model import Credential
from ari.integrations.model_fields import find_model_place
from ari.keys.reasons import REQUEST_ERRORS, UNAVAILABLE
from ari.outbound.http import Call, HttpClient, Timeouts
from ari.prices.book import PriceBook


class Gateway:
    """The gateway of one process. It connects on the first request."""

    def __init__(self, instance: Instance) -> None:
        settings = instance.settings
        self.max_seconds = settings.ai_max_seconds
        self._timeouts = Timeouts(idle_seconds=settings.ai_idle_seconds, whole_seconds=None)
        self._client = HttpClient()
        self.provider_status = ProviderStatus(instance)
        self.option_support = OptionSupport()
        self.body_budget = BodyBudget()
        self.left_calls = LeftCalls()
        self.read_rates = ReadRates(instance.clock)
        self.prices = PriceBook()
        self._budgets = BudgetPlanner(settings.ai_unknown_price, settings.ai_max_seconds)
        self._ai_rules = instance.open_ai_rules_lookup()
        self.keyring = Keyring(instance)

    def call(
        self,
        credential: Credential,
        method: str,
        url: str,
        headers: list[tuple[str, str]],
        body: bytes | AsyncIterable[bytes] | None,
    ) -> Call:
        """A request to a provider, on a connection that only this key uses."""
        private, account = credential.owner_named, credential.account
        return self._client.call(method, url, headers, body, private=private, timeouts=self._timeouts, account=account)

    async def handle(self, context: RequestContext, services: Services) -> Response | None:
        """Forward one request. Its usage row is committed before the provider receives anything."""
        try:
            return await self._handle(context, services)
        except NoKeyLeft as error:
            fault = make_no_key_left_fault(error.provider, error.retry_after_seconds)
            return fault_response(context, services, fault)

    async def _handle(self, context: RequestContext, services: Services) -> Response | None:
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
        if rules.aliases.aliases or _needs_models(context, target, rules):
            return await self._handle_by_model(context, services, target, rules)
        consumer, requested = find_consumer(context), ""
        held = await self.keyring.find(target.provider, consumer)
        sent = None
        if held.is_pooled:
            sent = await read_body(context.head, context.receive)
            requested = await find_model(target, context.head, sent.whole)
            held = await self.keyring.change_for(held, requested, consumer)
        await context.record.commit_before_handler()
        sent = sent or await read_body(context.head, context.receive)
        prices = self._make_prices(context, services, target, rules)
        forwarding = Forwarding(self, context, services, target, held, sent, prices)
        forwarding.attempts.requested = requested
        return await forwarding.run()

    async def _handle_by_model(
        self, context: RequestContext, services: Services, target: route.Target, rules: AiRules
    ) -> Response | None:
        """Like ``handle``, for a request whose model matters: its body is read first."""
        sent = await read_body(context.head, context.receive)
        try:
            is_whole = await sent.hold(self.body_budget)
            plan = await self._plan(context, target, sent.whole if is_whole else None, rules)
            if isinstance(plan, ModelRefusal):
                _note_model(context, plan.provider, plan.model, plan.alias)
                return fault_response(context, services, _count_refusal(context, plan.fault))
            planned = await self._plan_targets(context, services, plan, sent.whole, rules)
            model = planned[0].prices.model or next(iter(plan.facts.models), None)
            _note_model(context, planned[0].target.target.provider.name, model, plan.alias)
            usable = [one for one in planned if one.fault is None]
            if not usable and planned[0].fault is not None:
                return fault_response(context, services, _count_refusal(context, planned[0].fault))
            first, held = await self._find_first(usable, find_consumer(context))
            at = next(at for at, one in enumerate(planned) if one is first)
            charge, targets = share_charge([first, *planned[at + 1 :]])
            first = targets[0]
            if plan.alias is not None:
                sent.whole = first.target.body
            if charge is not None and context.record.row is not None:
                context.record.row.charge = charge
            try:
                await context.record.commit_before_handler()
            except LimitExceeded:
                if first.budgets is not None:
                    first.budgets.note_refused()
                raise
            listed = make_filter(context, first.target.target, rules.aliases)
            forwarding = Forwarding(
                self,
                context,
                services,
                first.target.target,
                held,
                sent,
                first.prices,
                plan.alias,
                listed,
                first.budgets,
            )
            forwarding.attempts.requested = first.target.model
            if plan.alias is not None:
                forwarding.attempts.allow_targets(skip_uncovered(charge, targets), planned[:at])
            return await forwarding.run()
        finally:
            sent.release()

    async def _find_first(
        self, targets: Sequence[PlannedTarget], consumer: str
    ) -> tuple[PlannedTarget, ResolvedCredential]:
        """The first target that has a usable key. Raises like ``Keyring.find`` if none has."""
        try:
            target, model, _ = targets[0].target
            return targets[0], await self.keyring.find(target.provider, consumer, model=model)
        except (NoKeyLeft, Conflict, NotFound):
            if len(targets) == 1:
                raise
            return await self._find_first(targets[1:], consumer)

    def _make_prices(
        self,
        context: RequestContext,
        services: Services,
        target: route.Target,
        rules: AiRules,
        model: str | None = None,
    ) -> RequestPrices:
        method, now_ms = context.head.method, services.clock.now_ms()
        return RequestPrices(self.prices, rules.prices, target, method, now_ms, model or None)

    async def _plan(
        self, context: RequestContext, target: route.Target, body: bytes | None, rules: AiRules
    ) -> ModelPlan | ModelRefusal:
        aliases = rules.aliases
        if body is None and (_needs_models(context, target, rules) or _may_name_alias(context, target)):
            fault = Fault(UNAVAILABLE, "Too many large requests at once. Try again.")
            return ModelRefusal(fault, target.provider.name)
        if body is not None and not is_quick(body):
            return await asyncio.to_thread(plan_models, context, target, body, aliases)
        return plan_models(context, target, body, aliases)

    async def _plan_targets(
        self, context: RequestContext, services: Services, plan: ModelPlan, body: bytes | None, rules: AiRules
    ) -> list[PlannedTarget]:
        def make_prices(one: AliasTarget) -> RequestPrices:
            return self._make_prices(context, services, one.target, rules, one.model)

        given = self._budgets, context.key, rules.budgets, plan, make_prices
        if body is not None and not is_quick(body):
            return await asyncio.to_thread(plan_targets, *given)
        return plan_targets(*given)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()
        await self._ai_rules.close()
        await self.keyring.close()


def _needs_models(context: RequestContext, target: route.Target, rules: AiRules) -> bool:
    """Whether the key may use certain models only, or a budget applies to it."""
    key = context.key
    if key is None:
        return False
    return bool(key.model_rules) or has_budgets(
        (*key.spending_owners, *rules.budgets.list_owners(target.provider.name))
    )


def _may_name_alias(context: RequestContext, target: route.Target) -> bool:
    """Whether the body of the request names a model: it would reach the provider with an alias in place of it."""
    place = find_model_place(target.provider, context.head.method, target.path)
    return place is not None and bool(place.fields)


def _note_model(context: RequestContext, provider: str, model: str | None, alias: str | None) -> None:
    """Keep the model for the log, in case the request is refused."""
    row = context.record.row
    if row is not None and model:
        row.ai = make_refused_use(row, provider, model, alias)


def _count_refusal(context: RequestContext, fault: Fault) -> Fault:
    """Log the refusal, which consumes nothing of the key's limits."""
    row = context.record.row
    if row is not None:
        row.code, row.charge = fault.reason.code, None
    return fault


def routes(gateway: Gateway, problems: Callable[..., dict[int | str, Any]]) -> list[BaseRoute]:
    """The gateway's routes. ``problems`` describes error responses for OpenAPI."""
    return openapi.routes(gateway.handle, problems)
