"""Limits and credits that remain, from the usage log in the data directory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ari.keys.limits.charge import RuleOwner
from ari.usage.reports.facts import limit_facts

if TYPE_CHECKING:
    from ari.instance import Instance


def describe_remaining(instance: "Instance", owners: Sequence[RuleOwner]) -> dict[str, Any]:
    """The field ``remaining`` of keys and consumers."""
    return {"remaining": [limit_facts(one) for one in instance.usage_records.read_remaining(owners)]}
