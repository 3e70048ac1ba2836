"""Models in use without a price are named, and no others: who sets a hard budget learns what it refuses."""

from decimal import Decimal
from typing import Any

from ari.base.clock import DAY_MS
from ari.integrations.ai_rules.prices import OwnPrice, PriceRules
from ari.prices.unpriced import read_unpriced_use
from ari.usage.ai import AiCount, AiSpan, AiSums

NOW_MS = 1_795_000_000_000


class Reader:
    """The counts of some models."""

    def __init__(self) -> None:
        self.spans: list[AiSpan] = []

    def ai_counts(self, by: str, span: AiSpan) -> list[AiCount]:
        assert by == "model"
        self.spans.append(span)
        counted = [
            ("openai", "gpt-5-mini", 9, 0),
            ("vllm-a", "llama-4", 2, 1),
            ("openai", "my-own", 5, 0),
            ("openai", "typo", 7, 7),
            ("ollama", "", 3, 0),
            ("vllm-b", "llama-4", 3, 0),
        ]
        return [AiCount(provider, name, _sums(count, failed), NOW_MS) for provider, name, count, failed in counted]


def _sums(count: int, failed: int) -> AiSums:
    return AiSums(request_count=count, failed_count=failed)


def test_models_without_a_price_are_named_by_their_use() -> None:
    """Of the last 30 days; not those that only failed, have a price of the library, or one of your own."""
    reader: Any = Reader()
    rules = PriceRules((OwnPrice("vllm-b/*", Decimal(1), Decimal(1)),))
    found = read_unpriced_use(reader, rules, "refuse", NOW_MS)
    assert found == (True, ("openai/my-own", "vllm-a/llama-4"))
    [span] = reader.spans
    assert span.until_ms - span.since_ms == 30 * DAY_MS
    assert span.until_ms >= NOW_MS


def test_a_price_for_unknown_models_refuses_none() -> None:
    """They are counted at ``ARI_AI_UNKNOWN_PRICE``."""
    reader: Any = Reader()
    assert not read_unpriced_use(reader, PriceRules(), "15.00", NOW_MS).are_refused
