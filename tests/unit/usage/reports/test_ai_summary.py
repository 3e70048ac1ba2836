"""AI gateway usage in a span of time."""

from typing import Any

from ari.base.clock import HOUR_MS
from ari.usage import spans
from ari.usage.ai import AiCount, AiSpan, AiSums
from ari.usage.reports.ai_summary import TOP, ai_summary_facts, of_span
from tests.support.instances import START_MS

SPAN = spans.preset("24h", START_MS)


class Reader:
    """Two hours of usage, and more models than are listed."""

    def ai_hours(self, _: AiSpan) -> dict[int, AiSums]:
        return {START_MS - HOUR_MS: AiSums(2, 1, 1, 10, 5, 3), START_MS: AiSums(1, 0, 1, 1, 1, 0)}

    def ai_counts(self, by: str, _: AiSpan) -> list[AiCount]:
        return [AiCount("openai", f"{by}_{n}" if n else "", AiSums(1), START_MS) for n in range(TOP + 1)]


def test_the_parts_add_up_to_the_whole() -> None:
    """Each hour is in one part of the span, also at its edges."""
    reader: Any = Reader()
    found = of_span(reader, SPAN)
    assert found.sums == AiSums(3, 1, 2, 11, 6, 3)
    facts = ai_summary_facts(found, {})
    assert sum(part["input_tokens"] for part in facts["parts"]) == facts["input_tokens"] == 11
    assert len(facts["parts"]) == len(spans.starts(SPAN))


def test_lists_are_bounded_and_unknown_models_have_no_name() -> None:
    """A caller can send any model name, so there may be thousands."""
    reader: Any = Reader()
    facts = ai_summary_facts(of_span(reader, SPAN), {"key_1": "Laptop"})
    assert len(facts["models"]) == len(facts["keys"]) == TOP
    assert facts["models"][0]["model"] is None
    assert facts["keys"][1]["name"] == "Laptop"
    assert facts["keys"][2]["name"] is None


def test_the_usage_of_one_key_names_no_other() -> None:
    """A caller that may read one key's usage must not learn about the others."""
    reader: Any = Reader()
    found = of_span(reader, SPAN, "key_1")
    assert found.keys == []
    assert "keys" not in ai_summary_facts(found, None)
