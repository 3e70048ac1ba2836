"""AI gateway usage in a span of time."""

from typing import Any

from ari.base.clock import HOUR_MS
from ari.usage import spans
from ari.usage.ai import AiCount, AiSpan, AiSums
from ari.usage.reports.ai_summary import TOP, ai_group_facts, ai_summary_facts, count_groups, of_span
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


def test_an_unknown_cost_is_not_0() -> None:
    """Without a request the cost is 0; without a known cost it is unknown; else it is the sum of the known ones."""

    class Costs:
        def ai_hours(self, _: AiSpan) -> dict[int, AiSums]:
            return {START_MS: AiSums(3), START_MS - HOUR_MS: AiSums(2, cost_micros=1_500, priced_count=1)}

        def ai_counts(self, *_: object) -> list[AiCount]:
            return []

    reader: Any = Costs()
    facts = ai_summary_facts(of_span(reader, SPAN), {})
    assert (facts["cost_usd"], facts["priced_count"], facts["request_count"]) == ("0.0015", 1, 5)
    assert [part["cost_usd"] for part in facts["parts"]][-3:] == ["0.00", "0.0015", None]


def test_consumers_and_tags_have_costs() -> None:
    """The highest first; a key with two tags counts in both, one without any in none."""

    class Keys:
        def ai_counts(self, by: str, _: AiSpan) -> list[AiCount]:
            assert by == "key"
            costs = {"key_1": 5, "key_2": 20, "key_3": 9}
            return [AiCount("", key, AiSums(1, cost_micros=cost, priced_count=1), cost) for key, cost in costs.items()]

    reader: Any = Keys()
    counted = count_groups(reader, SPAN, None, {"key_1": ["ci", "eu"], "key_2": ["eu"]})
    facts = ai_group_facts(counted, {"eu": "Europe"})
    assert [(one["group"], one["name"], one["cost_usd"], one["request_count"]) for one in facts] == [
        ("eu", "Europe", "0.000025", 2),
        ("ci", "ci", "0.000005", 1),
    ]


def test_requests_without_a_model_are_no_unknown_model() -> None:
    """Reading a list of models uses none; a response without token counts does."""
    reader: Any = Reader()
    counted = [AiCount("openai", "", AiSums(2, told_count=2), START_MS), AiCount("groq", "", AiSums(2), START_MS)]
    reader.ai_counts = lambda by, _: counted
    assert [one.provider for one in of_span(reader, SPAN).models] == ["groq"]
