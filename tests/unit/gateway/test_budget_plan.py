"""The charge for a response that doesn't report all of its use."""

from decimal import Decimal
from typing import Any

import pytest

from ari.gateway.budget_plan import BudgetPlan, BudgetPlanner
from ari.gateway.costs import RequestPrices
from ari.gateway.request_facts import RequestFacts
from ari.gateway.route import Target
from ari.gateway.seen_output import SeenOutput
from ari.gateway.use_estimates import RequestSize, UseEstimates
from ari.http.problem import Fault
from ari.integrations.ai_rules.prices import OwnPrice, PriceRules
from ari.integrations.providers import get_provider
from ari.keys.limits.charge import Charge, Decision, Estimate, RuleOwner
from ari.keys.limits.rules import Budget, LimitRules, Unit
from ari.keys.limits.spending import Amounts, Held
from ari.prices.book import PriceBook
from ari.usage.ai import AiUse, Ended, TokenUsage

MODEL = "gpt-5"
HELD = Held("key_1", "monthly", "money", 300, 0, 1, 0)


def settle(
    *,
    read: int | None,
    seen_bytes: int = 0,
    size: RequestSize | None = None,
    used: TokenUsage | None = None,
    provider: str = "openai",
    reported: int | None = None,
    whole_ms: float = 2.0,
    ended: Ended = "client_gone",
) -> AiUse:
    """Settle a response that was cut off, or one with this use; 30 tokens were reserved for it."""
    seen = SeenOutput()
    seen.see(b"x" * seen_bytes)
    charge = Charge((), decision=Decision(None, {}, [], (HELD,)))
    model = MODEL if used is None else used.model
    target = Target(get_provider(provider), "/v1/chat/completions")
    prices = RequestPrices(PriceBook(), PriceRules(), target, "POST", 1_795_000_000_000, model)
    expected = TokenUsage(MODEL, 10, 20)
    plan = BudgetPlan(
        charge,
        Estimate(Amounts(300, 30), 660_000),
        UseEstimates(),
        "key_1",
        prices,
        size or RequestSize(10, 1, 20, True, 10),
        has_price=True,
        counted_micros=None,
        expected=expected,
        likely=Amounts(300, 30),
        seen=seen,
    )
    used = used or TokenUsage(MODEL, read, least_output_tokens=reported)
    given: dict[str, Any] = {"id": "row_1", "at_ms": 0, "key_id": "key_1", "provider": "openai", "model": MODEL}
    return plan.settle(
        AiUse(
            **given,
            input_tokens=read,
            output_tokens=used.output_tokens,
            cached_tokens=None,
            provider_status=200,
            first_byte_ms=1.0,
            whole_ms=whole_ms,
            ended=ended,
        ),
        used,
        None,
    )


def test_a_response_that_was_cut_off_costs_at_least_what_was_reserved() -> None:
    """Or what reached the caller, if that is more: reading a stream almost to its end isn't free."""
    use = settle(read=None)
    assert (use.input_tokens, use.output_tokens, use.cost_micros, use.is_estimated) == (10, 20, 300, True)
    use = settle(read=None, seen_bytes=400_000)
    assert (use.output_tokens, use.cost_micros) == (100_000, 1_000_013)
    assert use.settlement is not None
    assert use.settlement.amounts == Amounts(1_000_013, 100_010)


def test_input_that_was_reported_counts() -> None:
    """Anthropic reports it at the start of a stream."""
    use = settle(read=500_000)
    assert (use.input_tokens, use.output_tokens, use.cost_micros) == (500_000, 20, 625_200)


@pytest.mark.parametrize(
    ("provider", "used", "cost"),
    [
        ("openai", TokenUsage(MODEL, 10, 100_000, cached_tokens=1_000_000), 1_000_013),
        ("openai", TokenUsage(MODEL, 10, 100_000, details={"input_audio_tokens": 20}), 1_000_013),
        ("openai", TokenUsage(MODEL, 10, 100_000, 20, details={"cache_audio_read_tokens": 90}), 1_000_013),
        ("anthropic", TokenUsage("claude-sonnet-4-5", 100_000, 10, 0, 50, 0, {"cache_write_1h_tokens": 99}), 300_188),
        ("anthropic", TokenUsage("claude-sonnet-4-5", 100, 10, 0, 200, 0, {"web_searches": 3}), 30_450),
    ],
)
def test_details_that_contradict_the_rest_make_nothing_cheaper(provider: str, used: TokenUsage, cost: int) -> None:
    """The known tokens cost their full price then, and the row says that this is an estimate."""
    use = settle(read=used.input_tokens, used=used, provider=provider)
    assert (use.cost_micros, use.is_estimated) == (cost, True)
    assert use.settlement is not None
    assert use.settlement.amounts.money == cost


def test_output_that_was_reported_so_far_counts() -> None:
    """Gemini reports the thoughts with each part of a stream."""
    use = settle(read=10, reported=30_000)
    assert (use.output_tokens, use.cost_micros, use.is_estimated) == (30_000, 300_013, True)


@pytest.mark.parametrize(
    ("limit", "whole_ms", "ended", "expected"),
    [
        (None, 20_000, "client_gone", 6_000),
        (None, 10**7, "client_gone", 128_000),
        (2_000, 20_000, "client_gone", 2_000),
        (None, 20_000, "cut", 500),
        (None, 10**7, "cut", 128_000),
    ],
)
def test_leaving_before_the_end_does_not_hide_what_a_model_thinks(
    limit: int | None, whole_ms: float, ended: Ended, expected: int
) -> None:
    """It is charged by the time that it had, and within the caller's limit. A provider that breaks off early isn't."""
    size = RequestSize(10, 1, limit, True, 10)
    assert settle(read=None, size=size, whole_ms=whole_ms, ended=ended).output_tokens == expected


def test_many_first_requests_at_once_fit_their_budget() -> None:
    """Each but one reserves its limit, and is charged by what it used; the next ones are estimated by that."""
    owner = RuleOwner("key_1", LimitRules(budgets=(Budget("all", 1_000_000, "money", "day"),)))
    book, planner = PriceBook(), BudgetPlanner("refuse", 600)
    book.load()
    target = Target(get_provider("openai"), "/v1/chat/completions")
    prices = RequestPrices(book, PriceRules(), target, "POST", 1_795_000_000_000, MODEL)
    facts = RequestFacts((MODEL,), True, 40_000, 40, 1, 1, False)
    plans = [planner.plan("key_1", (owner,), prices, facts) for _ in range(3)]
    assert [isinstance(plan, BudgetPlan) and plan.amounts.money for plan in plans] == [5_013, 400_013, 400_013]
    assert isinstance(plans[1], BudgetPlan)
    assert plans[1].likely.money == 5_013


def test_short_responses_before_do_not_make_it_cheaper() -> None:
    """A response that was cut off may have been longer than those."""
    assert settle(read=None, size=RequestSize(10, 1, 20, True, 9_000)).input_tokens == 9_000
    assert settle(read=None, size=RequestSize(10, 1, None, True, 10)).output_tokens == 500


@pytest.mark.parametrize("unit", ["money", "tokens"])
@pytest.mark.parametrize(("provider", "path"), [("perplexity", "/search"), ("elevenlabs", "/v1/audio-isolation")])
def test_a_request_without_a_model_is_not_free(provider: str, path: str, unit: Unit) -> None:
    """Its price isn't known, so a hard budget in money refuses it; it uses no tokens."""
    budget = Budget("all", 1_000_000, unit, "day")
    owner = RuleOwner("key_1", LimitRules(budgets=(budget,)))
    prices = RequestPrices(PriceBook(), PriceRules(), Target(get_provider(provider), path), "POST", 0)
    facts = RequestFacts((), True, None, 2, 1, 1, False)
    plan = BudgetPlanner("refuse", 600).plan("key_1", (owner,), prices, facts)
    if unit == "money":
        assert isinstance(plan, Fault)
        assert plan.reason.code == "cost_unknown"
    else:
        assert plan is None


@pytest.mark.parametrize("unit", ["money", "tokens"])
@pytest.mark.parametrize(
    ("provider", "own", "fee", "searches", "fits"),
    [
        ("openai", False, "The fee isn't reported.", False, False),
        ("anthropic", False, None, True, True),
        ("anthropic", True, None, True, False),
        ("anthropic", True, None, False, True),
    ],
)
def test_a_fee_must_be_known_to_a_hard_budget_in_money(
    provider: str, own: bool, fee: str | None, searches: bool, fits: bool, unit: Unit
) -> None:
    """A fee that is reported needs a price, which an own price doesn't have. Budgets in tokens count no fees."""
    model = "gpt-5" if provider == "openai" else "claude-sonnet-4-5"
    owner = RuleOwner("key_1", LimitRules(budgets=(Budget("all", 1_000_000, unit, "day"),)))
    rules = PriceRules((OwnPrice("anthropic/*", Decimal(1), Decimal(1)),) if own else ())
    book = PriceBook()
    book.load()
    target = Target(get_provider(provider), "/v1/messages")
    prices = RequestPrices(book, rules, target, "POST", 1_795_000_000_000, model)
    facts = RequestFacts((model,), True, 10, 2, 1, 1, False, unreported_fee=fee, search_count=3 * searches)
    plan = BudgetPlanner("refuse", 600).plan("key_1", (owner,), prices, facts)
    assert isinstance(plan, BudgetPlan) == (fits or unit == "tokens")
    if isinstance(plan, Fault):
        assert plan.reason.code == "cost_unknown"


@pytest.mark.parametrize("alias", [None, "fast"])
def test_an_error_repeats_no_secret(alias: str | None) -> None:
    """Nor a character that changes how a terminal shows the text. Of an alias, the caller learns no model."""
    secret = "ari_k_" + "a1B2c3D" * 7
    owner = RuleOwner("key_1", LimitRules(budgets=(Budget("all", 1, "money", "day"),)))
    book = PriceBook()
    book.load()
    target = Target(get_provider("openai"), "/v1/chat/completions")
    for model in (secret, f"x {secret}", "x\x1b[31m", "x\u202e"):
        prices = RequestPrices(book, PriceRules(), target, "POST", 0, model)
        facts = RequestFacts((model,), True, 10, 2, 1, 1, False)
        found = BudgetPlanner("refuse", 600).plan("key_1", (owner,), prices, facts, alias=alias)
        assert isinstance(found, Fault)
        shown = str(found.detail)
        assert secret not in shown
        assert not {"\x1b", "\u202e"} & {*shown}
        assert ("alias fast" in shown) == (alias is not None)
        assert alias is None or model not in shown


@pytest.mark.parametrize("count", [1, 8])
def test_the_fee_of_searches_is_reserved(count: int) -> None:
    """All that the request may make, at the price by which they are charged: Anthropic's is 0.01 US dollars."""
    owner = RuleOwner("key_1", LimitRules(budgets=(Budget("all", 100_000_000, "money", "day"),)))
    model, book = "claude-sonnet-4-5", PriceBook()
    book.load()
    target = Target(get_provider("anthropic"), "/v1/messages")
    prices = RequestPrices(book, PriceRules(), target, "POST", 1_795_000_000_000, model)

    def reserve(search_count: int) -> int:
        facts = RequestFacts((model,), True, 10, 2, 1, 1, False, search_count=search_count)
        plan = BudgetPlanner("refuse", 600).plan("key_1", (owner,), prices, facts)
        assert isinstance(plan, BudgetPlan)
        return plan.amounts.money

    used = TokenUsage(model, 1, 10, details={"web_searches": count})
    charged = prices.cost_of(used)
    assert charged is not None
    assert reserve(count) == reserve(0) + count * 10_000 >= charged.micros


@pytest.mark.parametrize(("is_hard", "unit"), [(True, "money"), (True, "tokens"), (False, "tokens")])
def test_a_model_that_is_not_named_has_no_known_cost(is_hard: bool, unit: Unit) -> None:
    """A tool may call any model, so a hard budget can't reserve its use."""
    owner = RuleOwner("key_1", LimitRules(budgets=(Budget("all", 1_000_000, unit, "day", is_hard=is_hard),)))
    book = PriceBook()
    book.load()
    prices = RequestPrices(book, PriceRules(), Target(get_provider("openai"), "/v1/responses"), "POST", 0, "gpt-5")
    facts = RequestFacts(("gpt-5",), True, 10, 2, 1, 1, False, unnamed_model="A tool could use another model.")
    plan = BudgetPlanner("refuse", 600).plan("key_1", (owner,), prices, facts)
    assert isinstance(plan, Fault) is is_hard
    if isinstance(plan, Fault):
        assert str(plan.detail).endswith("A tool could use another model.")
