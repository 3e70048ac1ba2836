"""Use of the AI gateway, as both usage pages show it."""

from decimal import Decimal

from ari.base.clock import HOUR_MS
from ari.base.money import DisplayCurrency
from ari.usage import spans
from ari.usage.ai import AiCount, AiSums
from ari.usage.reports.ai_summary import TOP, AiSummary
from ari.web.ai_use import build_ai_view
from ari.web.pages.usage_log.view import KeyName
from tests.support.instances import START_MS

SPAN = spans.preset("24h", START_MS)


def summary(*parts: AiSums, **counts: list[AiCount]) -> AiSummary:
    """A summary whose hours have these sums."""
    hours = [(SPAN.since_ms + number * HOUR_MS, one) for number, one in enumerate(parts)]
    lists = {"providers": [], "models": [], "keys": [], **counts}
    return AiSummary(SPAN, hours, **lists)


def count(name: str, provider: str = "openai", requests: int = 1) -> AiCount:
    return AiCount(name=name, provider=provider, sums=AiSums(request_count=requests), last_at_ms=START_MS)


def test_without_requests_there_is_nothing_to_show() -> None:
    """The pages leave the section out instead of showing zeros."""
    assert build_ai_view(summary(AiSums(), AiSums()), {}) is None


def test_hours_add_up_and_failed_requests_are_drawn_apart() -> None:
    """The bars have the full length of all requests; failures are the refused part of the chart."""
    view = build_ai_view(summary(AiSums(3, 1, input_tokens=5), AiSums(4, 0, input_tokens=7)), {})
    assert view is not None
    assert (view.most, view.sums.failed_count, view.sums.input_tokens) == (7, 1, 12)
    assert [(bar.accepted, bar.refused) for bar in view.requests.bars] == [(2, 1), (4, 0)]


def test_names_are_those_that_people_know() -> None:
    """Providers by title, an unknown one by its name; a key by its name, also once it is deleted, with a link."""
    found = summary(
        AiSums(2),
        providers=[count("openai"), count("gone", "gone"), count("vllm-a", "vllm-a")],
        models=[count("gpt-5", "openai")],
        keys=[count("key_1", ""), count("key_2", ""), count("key_3", "")],
    )
    names = {"key_1": KeyName("Mobile App", False), "key_2": KeyName("Old App", True)}
    view = build_ai_view(found, names, provider_titles={"vllm-a": "Our GPUs"})
    assert view is not None
    assert [row.name for row in view.providers] == ["OpenAI", "gone", "Our GPUs"]
    assert [(row.name, row.sub) for row in view.models] == [("gpt-5", "OpenAI")]
    pages = [("Mobile App", "key"), ("Old App (deleted)", "key"), ("key_3", None)]
    assert [(row.name, row.page_of) for row in view.keys] == pages


def test_costs_are_drawn_by_part() -> None:
    """The scale ends above the highest cost, and each bar has the sums that its number is written from."""
    view = build_ai_view(summary(AiSums(1, cost_micros=1_500_000, priced_count=1), AiSums(2)), {})
    assert view is not None
    assert view.costs.scale == [2_000_000, 1_000_000, 0]
    assert [bar.accepted for bar in view.costs.bars] == [1_500_000, 0]
    assert [one.request_count for one in view.parts] == [1, 2]


def test_the_scale_of_costs_is_round_in_the_currency_that_is_shown() -> None:
    """The bars have the same share of it."""
    euros = DisplayCurrency("EUR", Decimal("0.92"))
    view = build_ai_view(summary(AiSums(1, cost_micros=9_000_000, priced_count=1)), {}, currency=euros)
    assert view is not None
    assert view.costs.scale == [10_000_000, 5_000_000, 0]
    assert view.costs.bars[0].accepted_y == "17.2%"
    view = build_ai_view(summary(AiSums(1, cost_micros=12_000_000, priced_count=1)), {}, currency=euros)
    assert view is not None
    assert view.costs.scale == [20_000_000, 10_000_000, 0]


def test_money_comes_first() -> None:
    """Bars show costs once any cost is known; days are the newest first, without those that had no request."""
    cheap, dear = AiSums(9, cost_micros=10, priced_count=9), AiSums(1, cost_micros=90, priced_count=1)
    consumers = [AiCount("", "con_1", dear, START_MS)]
    found = summary(dear, AiSums(), cheap, models=[AiCount("openai", "gpt-5", dear, START_MS)])
    view = build_ai_view(found, {}, consumers, {"con_1": "Acme"})
    assert view is not None
    assert (view.most, view.models[0].length) == (100, 90)
    assert [(row.name, row.length) for row in view.consumers] == [("Acme", 90)]
    assert [row.page_of for row in view.consumers] == ["consumer"]
    assert [row.sums.cost_micros for row in view.times] == [10, 90]


def test_requests_without_a_model_are_counted() -> None:
    """Such as those for a list of models: they are in every other table."""
    view = build_ai_view(summary(AiSums(6), models=[count("gpt-5", requests=5)]), {})
    assert view is not None
    assert view.modelless_count == 1
    many = build_ai_view(summary(AiSums(TOP + 9), models=[count(f"m{number}") for number in range(TOP)]), {})
    assert many is not None
    assert many.modelless_count == 0
