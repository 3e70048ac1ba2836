"""Keys and usage as JSON fields, shared by the API, the command line and exports."""

from typing import TYPE_CHECKING, Any

import msgspec

from ari import keys
from ari.base.clock import SECOND_MS, to_rfc3339
from ari.base.money import format_usd
from ari.keys.limits.budget_fields import describe_amount, describe_budget
from ari.keys.limits.counter import Remaining
from ari.keys.limits.fields import describe_credits, describe_limit, format_window
from ari.keys.limits.spending import BudgetState
from ari.keys.model import ApiKey, KeySecret
from ari.keys.model_rules import describe_optional_model_rules
from ari.keys.ownership import metadata_facts
from ari.usage.ai import AiUse
from ari.usage.model import NO_USE, Attempt, KeyClient, KeyTotals, SecretUse, UsageRow, split_source

if TYPE_CHECKING:
    from ari.keys import Rotated

_NOT_SKIPPED = {"skipped": None}
"""Of a call to a provider; calls of before lack it."""


def key_facts(key: ApiKey, totals: KeyTotals, now_ms: int) -> dict[str, Any]:
    """An API key with its status and use; last use and request count are of allowed requests."""
    rules = key.policy.limits
    return {
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "scopes": list(key.scopes),
        "status": key.status(now_ms),
        "created_at": to_rfc3339(key.created_at_ms),
        "created_by": key.created_by,
        "expires_at": _time(key.expires_at_ms),
        "revoked_at": _time(key.revoked_at_ms),
        "disabled": key.disabled,
        "may_rotate": key.policy.may_rotate,
        "limits": [describe_limit(limit) for limit in rules.limits],
        "credits": None if rules.credits is None else describe_credits(rules.credits),
        "budgets": [describe_budget(budget) for budget in rules.budgets],
        "last_used_at": _time(totals.last_used_at_ms),
        "request_count": totals.request_count,
        "refused_count": totals.refused_count,
        **ownership_facts(key),
        "addresses": list(key.policy.addresses),
        "models": describe_optional_model_rules(key.policy.models),
    }


def ownership_facts(key: ApiKey) -> dict[str, Any]:
    """Whose a key is, and what its operator says about it."""
    return {
        "kind": key.kind,
        "environment": key.environment,
        "consumer": None if key.consumer is None else keys.consumer_facts(key.consumer),
        "tags": list(key.tags),
        "metadata": metadata_facts(key.metadata),
    }


def describe_verified_key(key: ApiKey) -> dict[str, Any]:
    """The details of a verified key that another service may see."""
    return {
        "id": key.id,
        "name": key.name,
        "hint": key.used_hint,
        "scopes": list(key.scopes),
        "expires_at": _time(key.expires_at_ms),
        "secret_number": 1 if key.secret is None else key.secret.number,
        "secret_retires_at": None if key.secret is None else _time(key.secret.retires_at_ms),
        **ownership_facts(key),
    }


def revocation_facts(key: ApiKey) -> dict[str, Any]:
    """A key that revoked itself; a caller from elsewhere learns nothing else about it."""
    return {"id": key.id, "hint": key.hint, "status": "revoked", "revoked_at": _time(key.revoked_at_ms)}


def rotation_facts(rotated: "Rotated", now_ms: int) -> dict[str, Any]:
    """A rotated key and, this once, the text of its new secret."""
    return {
        "key": key_facts(rotated.key, NO_USE, now_ms),
        "secret": rotated.secret,
        "secret_number": rotated.new.number,
        "old_hint": rotated.old.hint,
        "old_retires_at": to_rfc3339(rotated.retires_at_ms),
    }


def secret_facts(secret: KeySecret, last_used_at_ms: int | None, now_ms: int) -> dict[str, Any]:
    """A secret of a key, without its text."""
    return {
        "number": secret.number,
        "hint": secret.hint,
        "active": not secret.is_retired(now_ms),
        "created_at": to_rfc3339(secret.created_at_ms),
        "retires_at": _time(secret.retires_at_ms),
        "last_used_at": _time(last_used_at_ms),
    }


def budget_facts(state: BudgetState) -> dict[str, Any]:
    """The use of a budget in its current period; amounts end in ``_usd`` or ``_tokens``."""
    budget = state.budget
    amounts = {
        "limit": state.limit,
        "increase": state.increase,
        "used": state.used,
        "reserved": state.reserved,
        "remaining": state.remaining,
    }
    found: dict[str, Any] = {"name": state.name, "period": budget.period, "time_zone": budget.time_zone}
    found["hard"] = budget.is_hard
    for name, amount in amounts.items():
        found |= describe_amount(name, amount, budget.unit)
    return found | {"ends_at": _time(state.ends_ms)}


def secret_use_facts(use: SecretUse) -> dict[str, Any]:
    """From where and by which programs a secret was used."""
    return {
        "request_count": use.accepted_count,
        "refused_count": use.refused_count,
        "is_complete": use.is_complete,
        "addresses": [client_facts(client) for client in use.addresses],
        "user_agents": [client_facts(client) for client in use.agents],
    }


def row_facts(row: UsageRow) -> dict[str, Any]:
    """A row of the log; ``status``, ``duration_ms`` and ``bytes`` are null if not known (yet)."""
    return {
        "id": row.id,
        "time": to_rfc3339(row.at_ms),
        "request_id": row.request_id,
        "key_id": row.key_id,
        "key_hint": row.key_hint,
        "code": row.code,
        "method": row.method,
        "route": row.route,
        "path": row.path,
        "status": row.status,
        "client_address": row.client_address,
        "user_agent": row.user_agent,
        "duration_ms": None if row.duration_ms is None else round(row.duration_ms, 3),
        "bytes": row.bytes,
        "count": row.count,
        "source": row.source,
        "secret_number": 1 if row.secret_number is None else row.secret_number,
        "consumed": {} if row.consumed is None else msgspec.json.decode(row.consumed),
        "ai": None if row.ai is None else ai_facts(row.ai),
    }


def ai_facts(use: AiUse) -> dict[str, Any]:
    """A request's AI use; null means unknown."""
    return {
        "provider": use.provider,
        "model": use.model,
        "alias": use.alias,
        "cost_usd": None if use.cost_micros is None else format_usd(use.cost_micros),
        "price_version": use.price_version,
        "is_estimated": use.is_estimated,
        "input_tokens": use.input_tokens,
        "output_tokens": use.output_tokens,
        "cached_tokens": use.cached_tokens,
        "cache_written_tokens": use.cache_written_tokens,
        "audio_tokens": use.audio_tokens,
        "reasoning_tokens": use.reasoning_tokens,
        "provider_status": use.provider_status,
        "first_byte_ms": use.first_byte_ms,
        "whole_ms": use.whole_ms,
        "ended": use.ended,
        "attempts": [] if use.attempts is None else [_NOT_SKIPPED | one for one in msgspec.json.decode(use.attempts)],
    }


def limit_facts(one: Remaining) -> dict[str, Any]:
    """What remains under one limit."""
    return {
        "name": one.name,
        "limit": one.limit,
        "window": None if one.window_ms is None else format_window(one.window_ms),
        "remaining": one.remaining,
        "more_in_seconds": None if one.more_in_ms is None else -(-one.more_in_ms // SECOND_MS),
    }


def attempt_facts(attempt: Attempt) -> dict[str, Any]:
    """The number of requests without a valid key from one address in the minute that begins at ``time``.

    ``key_id`` is set in place of ``address`` for those that a service asked ``/api/verify`` about.
    """
    address, key_id = split_source(attempt.address)
    return {
        "time": to_rfc3339(attempt.at_ms),
        "reason": attempt.reason,
        "address": address,
        "key_id": key_id,
        "count": attempt.count,
    }


def client_facts(seen: KeyClient) -> dict[str, Any]:
    """From where a key was used, or by which user agent: how often, first and last."""
    return {
        "value": seen.value,
        "request_count": seen.accepted_count,
        "refused_count": seen.refused_count,
        "first_seen_at": to_rfc3339(seen.first_seen_at_ms),
        "last_seen_at": to_rfc3339(seen.last_seen_at_ms),
    }


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else to_rfc3339(at_ms)
