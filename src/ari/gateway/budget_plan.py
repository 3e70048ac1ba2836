"""The budgets of one AI request: reserved in the commit before it is forwarded, settled in the one that has its use.

A response whose use is unknown keeps its reservation, and its row says that it is estimated. A request that the
provider refused, or never received, gives it back.
"""

import math

import msgspec
from msgspec.structs import replace

from ari.base.clock import SECOND_MS
from ari.base.money import MICROS_PER_USD, parse_usd
from ari.gateway.costs import RequestPrices, estimate_start_micros, is_refused
from ari.gateway.request_facts import RequestFacts
from ari.gateway.seen_output import SeenOutput, make_seen_output
from ari.gateway.tool_fees import REPORTED_SEARCHES
from ari.gateway.use_estimates import RequestSize, UseEstimates, measure_request
from ari.http.problem import Fault
from ari.keys.limits.charge import Charge, Estimate, RuleOwner, Settlement
from ari.keys.limits.spending import MAX_AMOUNT, NOTHING, Amounts
from ari.keys.reasons import REASONS
from ari.outbound.http import FaultWord
from ari.usage.ai import AiUse, TokenUsage
from ari.usage.cleaning import MAX_TOKENS, MODEL_LENGTH, clean

_LEASE_MARGIN_SECONDS = 60
_TOKENS_PER_SECOND = 300
"""Assumed as more than what models generate that hide what they think; decision 99 says what follows if not."""
_LONGEST_RESPONSE_TOKENS = 128_000
_SEARCH_FEE = "The price of the model doesn't include its fee for searches."
_COUNTED = "counted"
"""The price version of a request that was counted at ``ARI_AI_UNKNOWN_PRICE``."""


class BudgetPlan(msgspec.Struct, frozen=True, eq=False):
    """``charge`` is what the commit reserves, for all targets of the request, and ``estimate`` the part of this one.
    ``counted_micros`` is the price per million tokens of a model without a
    known price, ``None`` if its price is known or it isn't counted.

    Without ``has_price``, money isn't reserved. ``expected`` are the tokens that are expected, and ``likely`` the
    amounts for them: more is reserved for several first requests at once. ``seen`` counts the response, ``None`` if it
    isn't text.
    """

    charge: Charge
    estimate: Estimate
    estimates: UseEstimates
    key_id: str
    prices: RequestPrices
    size: RequestSize
    has_price: bool
    counted_micros: int | None
    expected: TokenUsage
    likely: Amounts
    seen: SeenOutput | None

    def settle(self, use: AiUse, used: TokenUsage, fault: FaultWord | None) -> AiUse:
        """The use with the real amounts, or with the estimate where they are unknown."""
        decision, name = self.charge.decision, (self.key_id, self.prices.target.provider.name, self._model)
        self.estimates.end(*name, self.size)
        if decision is None or not decision.held:
            return use
        held = tuple(one for one in decision.held if self.estimate.uses(one.owner_id))
        released = tuple(one for one in decision.held if not self.estimate.uses(one.owner_id))
        if not held or is_refused(use.provider_status, fault) or self.prices.is_free:
            return replace(use, settlement=Settlement(held, NOTHING, released=released))
        self.estimates.learn(*name, self.size, used)
        if use.input_tokens is None or (use.output_tokens is None and use.cost_micros is None):
            use = self._estimate_tokens(use, used.least_output_tokens or 0)
            used = replace(used, input_tokens=use.input_tokens, output_tokens=use.output_tokens)
            if use.ended == "complete":  # The provider reports no use at all.
                self.estimates.learn(*name, self.size, used)
        use = self._complete_cost(use, used)
        amounts = Amounts(use.cost_micros or 0, (use.input_tokens or 0) + (use.output_tokens or 0))
        return replace(use, settlement=Settlement(held, amounts, released=released))

    @property
    def amounts(self) -> Amounts:
        """The amounts that are reserved for this target."""
        return self.estimate.amounts

    def note_refused(self) -> None:
        """No budget had room for it."""
        self.estimates.note_refused(self.key_id, self.prices.target.provider.name, self._model)

    def _estimate_tokens(self, use: AiUse, reported: int) -> AiUse:
        """The use of a response that didn't report all of it, as one that was cut off.

        At least what was expected, what is expected of a first request, the text that was sent, what has reached the
        caller, what the provider has ``reported`` so far, and what a model may have thought unseen.
        """
        read = use.input_tokens
        if read is None:
            read = max(self.expected.input_tokens or 0, self.size.text_tokens)
        seen = 0 if self.seen is None else self.seen.count_tokens()
        known = max(use.output_tokens or 0, seen, reported, self.size.start_output_tokens, self.likely.tokens - read)
        written = max(known, self._count_unseen(use))
        return replace(
            use, input_tokens=min(read, MAX_TOKENS), output_tokens=min(written, MAX_TOKENS), is_estimated=True
        )

    def _count_unseen(self, use: AiUse) -> int:
        """The most that a model may have generated until ARI stopped it: for a caller that left, or at the time limit.

        A model that thinks shows little of it, so that leaving before the end would cost next to nothing.
        """
        limit_ms = self.estimate.lease_ms - _LEASE_MARGIN_SECONDS * SECOND_MS
        if (
            self.seen is None
            or not self.size.has_output
            or not (use.ended == "client_gone" or use.whole_ms >= limit_ms)
        ):
            return 0
        each = min(self.size.max_output_tokens or _LONGEST_RESPONSE_TOKENS, _LONGEST_RESPONSE_TOKENS)
        each = min(each, math.ceil(use.whole_ms * _TOKENS_PER_SECOND / SECOND_MS))
        return each * self.size.responses

    @property
    def _model(self) -> str:
        return self.prices.model or ""

    def _complete_cost(self, use: AiUse, used: TokenUsage) -> AiUse:
        """The use with a cost, if it can be counted or estimated."""
        if use.cost_micros is not None or not (self.has_price or self.counted_micros is not None):
            return use
        if self.counted_micros is not None:
            micros = _count_micros((use.input_tokens or 0) + (use.output_tokens or 0), self.counted_micros)
        else:
            micros = max(self.likely.money, self._find_highest_micros(used))
        micros = min(micros, MAX_AMOUNT)
        version = self.prices.version if self.has_price else _COUNTED
        return replace(use, cost_micros=micros, price_version=version, is_estimated=True)

    def _find_highest_micros(self, used: TokenUsage) -> int:
        """The cost; without those details that contradict the others, such as more cached tokens than input, if they
        keep it unknown. Of several ways to leave some out, the dearest counts."""
        cost = self.prices.cost_of(used)
        if cost is not None:
            return cost.micros
        plain = replace(used, parts=())
        fees = {kind: number for kind, number in used.details.items() if not kind.endswith("_tokens")}
        no_cache = replace(plain, cached_tokens=None, cache_written_tokens=None, reasoning_tokens=None)
        tries = (plain, no_cache, replace(plain, details=fees), replace(no_cache, details=fees))
        return max((found.micros for one in tries if (found := self.prices.cost_of(one)) is not None), default=0)


class BudgetPlanner:
    """Plans the requests of one process. ``unknown_price`` is the setting ``ARI_AI_UNKNOWN_PRICE``; calls last at most
    ``max_seconds``."""

    def __init__(self, unknown_price: str, max_seconds: float) -> None:
        self.estimates = UseEstimates()
        self._unknown_price = None if unknown_price == "refuse" else parse_usd(unknown_price)
        self._lease_ms = round((max_seconds + _LEASE_MARGIN_SECONDS) * SECOND_MS)

    def plan(
        self,
        key_id: str,
        owners: tuple[RuleOwner, ...],
        prices: RequestPrices,
        facts: RequestFacts,
        alias: str | None = None,
    ) -> BudgetPlan | Fault | None:
        """The budgets of a request; ``None`` if it uses none, a fault if its cost can't be known.

        A fault names the ``alias``, not its model.
        """
        if prices.is_free and not facts.may_generate:
            return None
        hard_units = {budget.unit for owner in owners for budget in owner.rules.budgets if budget.is_hard}
        if facts.is_determined and not facts.models and "money" not in hard_units:
            return None  # It uses no tokens.
        unsure = facts.unnamed_model or facts.unreported if facts.is_determined else facts.problem or ""
        if hard_units and unsure is not None:
            return Fault(REASONS["cost_unknown"], f"{REASONS['cost_unknown'].sentence} {unsure}".strip())
        fee = facts.unreported_fee or (_SEARCH_FEE if facts.search_count and not _has_search_price(prices) else None)
        if fee is not None and "money" in hard_units:
            return Fault(REASONS["cost_unknown"], f"{REASONS['cost_unknown'].sentence} {fee}")
        size = measure_request(prices.target.path, facts)
        provider = prices.target.provider.name
        expected = self.estimates.estimate(key_id, provider, prices.model or "", size)
        likely, has_price = self._find_amounts(prices, expected, facts)
        counted = None if has_price else self._unknown_price
        if counted is None and not has_price and "money" in hard_units:
            return _make_unknown_price_fault(facts.models, alias)
        most = self.estimates.begin(key_id, provider, prices.model or "", size)
        amounts = likely
        if most is not None:
            output_tokens = max(most, expected.output_tokens or 0)
            amounts, _ = self._find_amounts(prices, replace(expected, output_tokens=output_tokens), facts)
        seen = make_seen_output(prices.target.path)
        estimate = Estimate(amounts, self._lease_ms, frozenset(owner.id for owner in owners))
        charge = Charge(owners, estimate=estimate)
        given = self.estimates, key_id, prices, size, has_price, counted, expected, likely, seen
        return BudgetPlan(charge, estimate, *given)

    def _find_amounts(self, prices: RequestPrices, expected: TokenUsage, facts: RequestFacts) -> tuple[Amounts, bool]:
        """The amounts for these tokens, and whether the price of all models is known."""
        money, has_price = self._estimate_money(prices, expected, facts)
        tokens = (expected.input_tokens or 0) + (expected.output_tokens or 0)
        if not has_price and self._unknown_price is not None:
            money = _count_micros(tokens, self._unknown_price)
        return Amounts(min(money, MAX_AMOUNT), tokens), has_price

    @staticmethod
    def _estimate_money(prices: RequestPrices, expected: TokenUsage, facts: RequestFacts) -> tuple[int, bool]:
        """The highest cost among the models, and whether the price of all of them is known."""
        highest, path = 0, prices.target.path
        start = estimate_start_micros(path, facts.input_bytes, facts.choice_count, facts.content)
        for model in facts.models:
            provider, at_ms = prices.target.provider.name, prices.at_ms
            card = prices.book.find_card(provider, (model,), prices.rules, at_ms, facts.price_context)
            if card is None:
                return 0, False
            details = {REPORTED_SEARCHES: facts.search_count} if facts.search_count else expected.details
            usage = replace(expected, model=model, details=details)
            micros = card.cost_micros(usage)
            highest = max(highest, start if micros is None else micros)
        return highest, bool(facts.models)


def has_budgets(owners: tuple[RuleOwner, ...]) -> bool:
    """Whether any of the owners has a budget."""
    return any(owner.rules.budgets for owner in owners)


def _has_search_price(prices: RequestPrices) -> bool:
    """Whether the price of the model includes that of searches which the response reports."""
    card = prices.book.find_card(prices.target.provider.name, (prices.model,), prices.rules, prices.at_ms)
    return card is not None and card.has_price_of(REPORTED_SEARCHES)


def _count_micros(tokens: int, micros_per_million: int) -> int:
    return min(MAX_AMOUNT, -(-tokens * micros_per_million // MICROS_PER_USD))


def _make_unknown_price_fault(models: tuple[str, ...], alias: str | None) -> Fault:
    if not models:
        return Fault(REASONS["cost_unknown"])
    name = f"model {clean(models[0], MODEL_LENGTH)}" if alias is None else f"alias {alias}"
    sentence = f"The price of the {name} isn't known, and a budget must not be exceeded. Add its price first."
    return Fault(REASONS["cost_unknown"], sentence)
