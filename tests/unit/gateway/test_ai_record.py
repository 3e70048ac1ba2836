"""Promise 2: what the log keeps of a forwarded request is what was measured; unknown numbers stay unknown."""

from types import SimpleNamespace
from typing import Any

from ari.gateway.ai_record import CallTimes, make_use
from ari.prices.book import Cost
from ari.usage.ai import UNKNOWN_USAGE, AiUse, TokenUsage

_ROW: Any = SimpleNamespace(id="req_1", at_ms=5, key_id="key_1")
_ATTEMPTS: Any = SimpleNamespace(provider=SimpleNamespace(name="openai"), to_json=lambda: None)


def _make(used: TokenUsage, cost: Cost | None) -> AiUse:
    return make_use(_ROW, _ATTEMPTS, used, cost, CallTimes(2.5, 9.0), status=200, ended="complete", alias="fast")


def test_it_has_the_row_the_counts_and_the_cost() -> None:
    """Each figure in its own column, under the request's own ID."""
    use = _make(TokenUsage("gpt-5", 10, 20, 3), Cost(7, "0.2.3"))
    assert (use.id, use.at_ms, use.key_id, use.provider, use.alias) == ("req_1", 5, "key_1", "openai", "fast")
    assert (use.model, use.input_tokens, use.output_tokens, use.cached_tokens) == ("gpt-5", 10, 20, 3)
    assert (use.cost_micros, use.price_version, use.first_byte_ms, use.whole_ms) == (7, "0.2.3", 2.5, 9.0)


def test_what_is_unknown_is_no_zero() -> None:
    """A report must not count it as free."""
    use = _make(UNKNOWN_USAGE, None)
    assert (use.input_tokens, use.output_tokens, use.cost_micros, use.price_version) == (None, None, None, None)
