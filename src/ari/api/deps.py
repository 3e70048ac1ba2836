"""Commands and reads for the caller of an endpoint."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Request

from ari.base.deadline import run_in_thread
from ari.base.errors import Forbidden
from ari.deps import Deps
from ari.http.context import deps_of
from ari.keys import get_even_deleted, get_secrets, scopes
from ari.keys.limits.charge import RuleOwner
from ari.keys.model import ApiKey
from ari.usage.model import NO_USE
from ari.usage.reports.facts import budget_facts, key_facts, limit_facts, secret_facts
from ari.usage.reports.queries import last_uses_of_secrets


async def _deps(request: Request) -> Deps:
    return deps_of(request)


CallerDeps = Annotated[Deps, Depends(_deps)]
"""The parameter of an endpoint that runs commands for its caller."""


def require_scope(deps: Deps, scope: str) -> None:
    """Raise ``Forbidden`` unless the caller has the scope."""
    if not scopes.holds(deps.caller.scopes, scope):
        raise Forbidden(f"This key needs the scope “{scope}”.", scope)


async def describe_secrets(deps: Deps, key_id: str) -> list[dict[str, Any]]:
    """The JSON of a key's secrets, newest first, with when each was last used."""
    secrets = await deps.read(get_secrets, key_id)
    totals = await run_in_thread(deps.instance.usage_records.totals, [key_id])
    used = await deps.report(last_uses_of_secrets, key_id, secrets, totals.get(key_id, NO_USE))
    now_ms = deps.instance.now_ms()
    return [secret_facts(secret, used.get(secret.number), now_ms) for secret in secrets]


async def describe_key_detail(deps: Deps, key: ApiKey) -> dict[str, Any]:
    """The JSON of a key with what remains of its limits, and its secrets."""
    [facts] = await describe_keys(deps, [key])
    listed = {"secrets": await describe_secrets(deps, key.id)}
    return facts | listed | await describe_left(deps, key.spending_owners)


async def describe_left(deps: Deps, owners: Sequence[RuleOwner]) -> dict[str, Any]:
    """The fields ``remaining`` and ``budget_use`` of keys and consumers."""
    records = deps.instance.usage_records
    remaining = await run_in_thread(records.read_remaining, [one for one in owners if one.rules.counts_requests])
    budgets = await run_in_thread(records.read_budgets, owners)
    return {
        "remaining": [limit_facts(one) for one in remaining],
        "budget_use": [budget_facts(one) for one in budgets],
    }


async def update_key(deps: Deps, response: dict[str, Any]) -> dict[str, Any]:
    """The response to an earlier request with its ``key`` as it is now, deleted or not. Raises ``Unavailable``."""
    [facts] = await describe_keys(deps, [await deps.read(get_even_deleted, response["key"]["id"])])
    return response | {"key": facts}


async def describe_keys(deps: Deps, keys: Sequence[ApiKey]) -> list[dict[str, Any]]:
    """The JSON of these keys with their usage totals."""
    totals = await run_in_thread(deps.instance.usage_records.totals, [key.id for key in keys])
    now_ms = deps.instance.now_ms()
    return [key_facts(key, totals.get(key.id, NO_USE), now_ms) for key in keys]
