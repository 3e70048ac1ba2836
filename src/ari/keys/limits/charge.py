"""Decide one request by all the counters it touches: every limit is consumed, or none."""

from collections.abc import Collection, Sequence

import msgspec

from ari.base.clock import SECOND_MS
from ari.keys.limits.counter import Counter, Exceeded, Remaining
from ari.keys.limits.rules import LimitRules

CONSUMER_PREFIX = "consumer:"
"""Marks a consumer's limits among those of its keys, in headers, in responses and in the log."""


class RuleOwner(msgspec.Struct, frozen=True):
    """A key, or a consumer with ``prefix``, and its rules as the request read them."""

    id: str
    rules: LimitRules
    prefix: str = ""

    def label(self, remaining: list[Remaining]) -> list[Remaining]:
        """The same, named as callers see them."""
        if not self.prefix:
            return remaining
        return [msgspec.structs.replace(one, name=self.prefix + one.name) for one in remaining]

    @property
    def names(self) -> frozenset[str]:
        """The names of its limits and credits, as callers see and use them."""
        return frozenset(self.prefix + name for name in self.rules.names)

    def select(self, names: Collection[str] | None) -> Collection[str] | None:
        """Those of these names that are its own, without the prefix; ``None`` = all."""
        if names is None or not self.prefix:
            return names
        return [name.removeprefix(self.prefix) for name in names if name.startswith(self.prefix)]


class Decision(msgspec.Struct, frozen=True):
    """Whether a request is allowed: ``exceeded`` says why not. ``consumed`` are its units by name."""

    exceeded: Exceeded | None
    consumed: dict[str, int]
    remaining: list[Remaining]

    @property
    def retry_after_seconds(self) -> int | None:
        """For a refusal, the whole seconds until it may be allowed; ``None`` if waiting never helps."""
        if self.exceeded is None or self.exceeded.wait_ms is None:
            return None
        return max(1, -(-self.exceeded.wait_ms // SECOND_MS))


class Charge(msgspec.Struct):
    """The units that a request consumes, under these names or (``None``) all. The commit that logs it decides.

    A consumer's limits have ``CONSUMER_PREFIX`` before their names. Raises ``ValueError`` for units that aren't whole.
    """

    owners: tuple[RuleOwner, ...]
    units: int = 1
    names: Collection[str] | None = None
    decision: Decision | None = None

    def __post_init__(self) -> None:
        if type(self.units) is not int or self.units < 0:  # what is stored must be read again
            raise ValueError(f"{self.units!r} is no whole number of units")


def decide(charge: Charge, counters: Sequence[Counter], now_ms: int) -> Decision:
    """Consume the charge from the counters of its owners, which are in the same order, or refuse it."""
    units = charge.units
    exceeded: Exceeded | None = None
    for owner, counter in zip(charge.owners, counters, strict=True):
        counter.advance(owner.rules, now_ms)
        for found in counter.find_exceeded(units, owner.select(charge.names)):
            if exceeded is None or _takes_longer(found, exceeded):
                exceeded = msgspec.structs.replace(found, name=owner.prefix + found.name)
    consumed: dict[str, int] = {}
    remaining: list[Remaining] = []
    for owner, counter in zip(charge.owners, counters, strict=True):
        if exceeded is None and units:
            used = counter.consume(units, owner.select(charge.names))
            consumed.update(used if not owner.prefix else {owner.prefix + name: n for name, n in used.items()})
        remaining += owner.label(counter.list_remaining())
    return Decision(exceeded, consumed, remaining)


def _takes_longer(one: Exceeded, other: Exceeded) -> bool:
    if one.wait_ms is None or other.wait_ms is None:
        return one.wait_ms is None and other.wait_ms is not None
    return one.wait_ms > other.wait_ms
