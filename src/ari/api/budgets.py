"""``/api/budgets``: the budgets of the instance and of its providers."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictStr
from starlette.responses import Response

from ari.api.budget_shapes import BudgetIncreaseIn, BudgetOut, BudgetResetIn, Budgets, SharedBudgetUseOut, budgets_of
from ari.api.deps import CallerDeps
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.idempotent import REPEATABLE_CHANGE, IdempotencyKey, RepeatableCall
from ari.api.responses import respond
from ari.api.shapes import RequestModel, find_nulls, not_null
from ari.base.deadline import run_in_thread
from ari.base.problems import Problems
from ari.deps import Deps
from ari.http.route_policy import AuthMode, policy
from ari.integrations.ai_rules.bound_keys import require_may_loosen_budgets
from ari.integrations.ai_rules.budgets import BudgetRules
from ari.integrations.ai_rules.change_budgets import (
    get_budgets,
    increase_shared_budget,
    reset_shared_budgets,
    set_budgets,
)
from ari.integrations.ai_rules.model import AiRulesTransaction
from ari.integrations.ai_rules.replace_part import get_ai_rules
from ari.integrations.upstreams import list_providers
from ari.prices.budget_facts import describe_shared_budgets
from ari.prices.unpriced import read_unpriced_use

router = APIRouter(prefix="/api/budgets", tags=["Integrations"])

_MONTHLY: dict[str, JsonValue] = {"name": "monthly", "amount_usd": "500.00", "period": "month"}
_PROVIDER = "Name of a provider; default: the instance."


class BudgetRulesIn(RequestModel):
    """Budgets to set; an omitted field stays the same."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"instance": [_MONTHLY]}]})

    instance: Budgets | None = Field(
        None,
        description="Budgets that all requests share (replace the old list). One that keeps its name and unit keeps "
        "what was used.",
        json_schema_extra=not_null,
    )
    providers: dict[StrictStr, Budgets] | None = Field(
        None,
        description="Budgets by provider (replace those of all providers).",
        examples=[{"openai": [_MONTHLY]}],
        json_schema_extra=not_null,
    )


class BudgetRulesOut(BaseModel):
    """The budgets of the instance and of its providers."""

    instance: list[BudgetOut] = Field(description="Budgets that all requests share.")
    providers: dict[str, list[BudgetOut]] = Field(description="Budgets by provider.", examples=[{"openai": []}])
    budget_use: list[SharedBudgetUseOut] = Field(description="Use of these budgets now.")
    unpriced_models: list[str] = Field(
        description="Models without a known price of the last 30 days, `provider/model`, most used first.",
        examples=[["vllm-a/llama-4"]],
    )
    refuses_unpriced: bool = Field(
        description="Whether hard budgets in money, of keys and consumers too, refuse models without a known price; "
        "otherwise `ARI_AI_UNKNOWN_PRICE` counts them.",
        examples=[True],
    )


class SharedIncreaseIn(BudgetIncreaseIn):
    """An amount to add to a budget of the instance or of a provider, until its current period ends."""

    provider: StrictStr | None = Field(None, description=_PROVIDER, examples=["openai"])


class SharedResetIn(BudgetResetIn):
    """Budgets of the instance or of a provider to reset."""

    provider: StrictStr | None = Field(None, description=_PROVIDER, examples=["openai"])


@router.get("", response_model=BudgetRulesOut, summary="Get shared budgets", responses=document_errors())
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:read")
async def read_budgets(deps: CallerDeps) -> Response:
    """The budgets of the instance and of its providers, and their use."""
    return respond(await _describe(deps, await deps.read(get_budgets)))


@router.put(
    "",
    response_model=BudgetRulesOut,
    summary="Set shared budgets",
    responses=document_errors("forbidden", "confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:write")
async def set_shared_budgets(body: BudgetRulesIn, deps: CallerDeps) -> Response:
    """Applies from the next request. A key that may use AI can't loosen budgets."""
    Problems(find_nulls(body)).raise_found()
    instance = None if body.instance is None else budgets_of(body.instance)
    given = body.providers
    providers = None if given is None else {name: budgets_of(budgets) for name, budgets in given.items()}
    known = [one.name for one in await deps.read(list_providers) if one.is_ai]
    return respond(await _describe(deps, await deps.do(set_budgets, instance, providers, known)))


@router.post(
    "/increase",
    response_model=BudgetRulesOut,
    summary="Increase a shared budget",
    responses=document_errors(
        "not_found", "conflict", "forbidden", "confirmation_required", "idempotency_key_reused", *BODY_ERRORS
    )
    | REPEATABLE_CHANGE,
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:write")
async def increase_budget(body: SharedIncreaseIn, deps: CallerDeps, idempotency_key: IdempotencyKey = None) -> Response:
    """Raise a budget once, until its current period ends. A key that may use AI can't do this. With an
    `Idempotency-Key`, repeating the request within 24 hours raises it once."""

    def increase(tx: AiRulesTransaction) -> None:
        increase_shared_budget(tx, body.provider, body.name, body.amount)

    async def describe() -> dict[str, Any]:
        return await _describe(deps, await deps.read(get_budgets))

    return await RepeatableCall(deps, "increase_shared_budget", idempotency_key, body).change_once(
        increase, require_may_loosen_budgets, describe
    )


@router.post(
    "/reset",
    response_model=BudgetRulesOut,
    summary="Reset shared budgets",
    responses=document_errors("conflict", "forbidden", "confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:write")
async def reset_budgets(body: SharedResetIn, deps: CallerDeps) -> Response:
    """Reset budgets, as if nothing had been used. A key that may use AI can't do this."""
    return respond(await _describe(deps, await deps.do(reset_shared_budgets, body.provider, body.budgets)))


async def _describe(deps: Deps, rules: BudgetRules) -> dict[str, Any]:
    instance = deps.instance
    states = await run_in_thread(instance.usage_records.read_budgets, rules.list_all())
    prices = (await deps.read(get_ai_rules)).prices
    unpriced = await deps.report(read_unpriced_use, prices, instance.settings.ai_unknown_price, instance.now_ms())
    return describe_shared_budgets(rules, states, unpriced)
