"""Decide one request by all the counters it touches: every limit and budget is consumed, or none."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from ari.base.clock import SECOND_MS
from ari.keys.limits.counter import Counter, Exceeded, Remaining
from ari.keys.limits.rules import LimitRules
from ari.keys.limits.spending import Amounts, Crossing, Held

CONSUMER_PREFIX = "consumer:"
"""Marks a consumer's limits among those of its keys, in headers, in responses and in the log."""
PROVIDER_PREFIX = "provider:"
"""Precedes a provider's name in the ID of its counter, and marks its budgets."""
INSTANCE_ID = "instance"
INSTANCE_PREFIX = "instance:"
BUDGET_PREFIX = "budget:"
"""Marks what was reserved from a budget in the log: a budget may be named like a limit."""


class RuleOwner(msgspec.Struct, frozen=True):
    """A key, or another owner with ``prefix``, and its rules as the request read them."""

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
    """Whether a request is allowed: ``exceeded`` says why not. ``consumed`` are its units by name.

    ``held`` is what it reserved from budgets, and ``crossings`` are the thresholds that were reached. ``uncovered``
    are the attempts for which there was no room: 0 is the first, 1 the first of its fallbacks.
    """

    exceeded: Exceeded | None
    consumed: dict[str, int]
    remaining: list[Remaining]
    held: tuple[Held, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    uncovered: frozenset[int] = frozenset()

    @property
    def retry_after_seconds(self) -> int | None:
        """For a refusal, the whole seconds until it may be allowed; ``None`` if waiting never helps."""
        if self.exceeded is None or self.exceeded.wait_ms is None:
            return None
        return max(1, -(-self.exceeded.wait_ms // SECOND_MS))


class Estimate(msgspec.Struct, frozen=True):
    """The amounts that an AI request may use, reserved from budgets for ``lease_ms``: the longest that it may run.

    ``owner_ids`` are the owners whose budgets it uses, ``None`` for all of its charge.
    """

    amounts: Amounts
    lease_ms: int
    owner_ids: frozenset[str] | None = None

    def uses(self, owner_id: str) -> bool:
        """Whether the request uses the budgets of this owner."""
        return self.owner_ids is None or owner_id in self.owner_ids


class Settlement(msgspec.Struct, frozen=True):
    """The real amounts of a request, in place of what it has reserved.

    ``released`` was reserved for fallbacks that the request didn't use. ``is_retry``: a commit with it failed, and may
    have been stored all the same.
    """

    held: tuple[Held, ...]
    amounts: Amounts
    is_retry: bool = False
    released: tuple[Held, ...] = ()

    @property
    def owner_ids(self) -> set[str]:
        """The owners whose counters it changes."""
        return {one.owner_id for one in (*self.held, *self.released)}


class Charge(msgspec.Struct):
    """The units that a request consumes, under these names or (``None``) all. The commit that logs it decides.

    A consumer's limits have ``CONSUMER_PREFIX`` before their names. Without an ``estimate``, budgets stay as they are.
    ``fallbacks`` are the estimates of other attempts that may follow: of each budget, the highest amount is reserved.
    An attempt for which there is no room isn't covered. Only if none is covered, budgets refuse the request.
    Raises ``ValueError`` for units that aren't whole.
    """

    owners: tuple[RuleOwner, ...]
    units: int = 1
    names: Collection[str] | None = None
    estimate: Estimate | None = None
    fallbacks: tuple[Estimate, ...] = ()
    decision: Decision | None = None

    def __post_init__(self) -> None:
        if type(self.units) is not int or self.units < 0:  # what is stored must be read again
            raise ValueError(f"{self.units!r} is no whole number of units")


def decide(charge: Charge, counters: Sequence[Counter], now_ms: int) -> Decision:
    """Consume the charge from the counters of its owners, which are in the same order, or refuse it."""
    pairs = list(zip(charge.owners, counters, strict=True))
    for owner, counter in pairs:
        counter.advance(owner.rules, now_ms)
    first = _find_covered(charge, pairs) if charge.fallbacks else 0
    exceeded: Exceeded | None = None
    for owner, counter in pairs:
        for found in _list_exceeded(charge, owner, counter, with_budgets=not first):
            if exceeded is None or _takes_longer(found, exceeded):
                exceeded = msgspec.structs.replace(found, name=owner.prefix + found.name)
    if exceeded is not None:
        remaining = [one for owner, counter in pairs for one in owner.label(counter.list_remaining())]
        return Decision(exceeded, {}, remaining, crossings=_list_crossings(charge, pairs))
    consumed: dict[str, int] = {}
    held = list[Held]()
    remaining = []
    reserves, uncovered = _fit_estimates(charge, pairs, first)
    for owner, counter in pairs:
        if charge.units:
            used = counter.consume(charge.units, owner.select(charge.names))
            consumed.update(used if not owner.prefix else {owner.prefix + name: n for name, n in used.items()})
        estimate = reserves.get(owner.id)
        if estimate is not None:
            reserved = tuple(counter.reserve(owner.id, estimate.amounts, estimate.lease_ms))
            consumed.update((owner.prefix + BUDGET_PREFIX + one.name, one.amount) for one in reserved)
            held += reserved
        remaining += owner.label(counter.list_remaining())
    return Decision(None, consumed, remaining, tuple(held), uncovered=uncovered)


def _find_covered(charge: Charge, pairs: Sequence[tuple[RuleOwner, Counter]]) -> int:
    """The first attempt for which there is room; 0 if there is none."""
    for number, estimate in enumerate((charge.estimate, *charge.fallbacks)):
        if estimate is None or not any(
            estimate.uses(owner.id) and _lacks_room(counter, estimate) for owner, counter in pairs
        ):
            return number
    return 0


def _fit_estimates(
    charge: Charge, pairs: Sequence[tuple[RuleOwner, Counter]], first: int
) -> tuple[dict[str, Estimate], frozenset[int]]:
    """What to reserve from each owner's budgets, by its id, and the attempts for which there is no room.

    ``first`` is covered. The others follow in their order, each on top of those before.
    """
    attempts = (charge.estimate, *charge.fallbacks)
    found = dict[str, Estimate]()
    if (estimate := attempts[first]) is not None:
        found = {owner.id: estimate for owner, _ in pairs if estimate.uses(owner.id)}
    uncovered = set(range(first))
    for number, fallback in enumerate(attempts[first + 1 :], first + 1):
        if fallback is None:
            continue
        wider = {owner.id: _widen(found.get(owner.id), fallback) for owner, _ in pairs if fallback.uses(owner.id)}
        if any(owner.id in wider and _lacks_room(counter, wider[owner.id]) for owner, counter in pairs):
            uncovered.add(number)
        else:
            found |= wider
    return found, frozenset(uncovered)


def _widen(found: Estimate | None, other: Estimate) -> Estimate:
    """The higher amounts of two estimates."""
    if found is None:
        return other
    money, tokens = max(found.amounts.money, other.amounts.money), max(found.amounts.tokens, other.amounts.tokens)
    return Estimate(Amounts(money, tokens), max(found.lease_ms, other.lease_ms))


def _lacks_room(counter: Counter, estimate: Estimate) -> bool:
    return next(iter(counter.find_exhausted(estimate.amounts)), None) is not None


def settle(settlement: Settlement, counters: Mapping[str, Counter], now_ms: int) -> list[Crossing]:
    """Replace what a request has reserved by what it used. Returns the thresholds that were reached."""
    settled = list[str]()
    for held in settlement.held:
        counter = counters[held.owner_id]
        counter.advance(counter.rules, now_ms)
        if counter.settle(held, settlement.amounts.of(held.unit)):
            settled.append(held.owner_id)
    for held in settlement.released:
        counter = counters[held.owner_id]
        counter.advance(counter.rules, now_ms)
        counter.settle(held, 0)
    return [one for owner_id in dict.fromkeys(settled) for one in counters[owner_id].list_crossings(owner_id)]


def _list_exceeded(charge: Charge, owner: RuleOwner, counter: Counter, *, with_budgets: bool) -> list[Exceeded]:
    found = list(counter.find_exceeded(charge.units, owner.select(charge.names)))
    if with_budgets and charge.estimate is not None and charge.estimate.uses(owner.id):
        found += counter.find_exhausted(charge.estimate.amounts)
    return found


def _list_crossings(charge: Charge, pairs: Iterable[tuple[RuleOwner, Counter]]) -> tuple[Crossing, ...]:
    """The thresholds of budgets that refuse the charge."""
    estimate = charge.estimate
    if estimate is None:
        return ()
    amounts = estimate.amounts
    return tuple(
        crossing
        for owner, counter in pairs
        if estimate.uses(owner.id)
        for crossing in counter.list_crossings(owner.id, {one.name for one in counter.find_exhausted(amounts)})
    )


def _takes_longer(one: Exceeded, other: Exceeded) -> bool:
    if one.wait_ms is None or other.wait_ms is None:
        return one.wait_ms is None and other.wait_ms is not None
    return one.wait_ms > other.wait_ms
