"""Limits, credits and budgets that remain, from the usage log in the data directory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ari.keys.limits.charge import RuleOwner
from ari.usage.reports.facts import budget_facts, limit_facts

if TYPE_CHECKING:
    from ari.instance import Instance


def describe_remaining(instance: "Instance", owners: Sequence[RuleOwner]) -> dict[str, Any]:
    """The fields ``remaining`` and ``budget_use`` of keys and consumers."""
    counting = [one for one in owners if one.rules.counts_requests]
    return {
        "remaining": [limit_facts(one) for one in instance.usage_records.read_remaining(counting)],
        "budget_use": [budget_facts(one) for one in instance.usage_records.read_budgets(owners)],
    }
