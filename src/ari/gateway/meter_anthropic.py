"""Usage in Anthropic's format: in a message, or in the first and last events of a stream."""
# https://docs.anthropic.com/en/api/messages-streaming: message_start has the input, message_delta the output so far.

from typing import Any

from ari.gateway.iterations import Iteration
from ari.gateway.json_members import Members, get_nested, value_of
from ari.gateway.reading import UsageReading, count
from ari.usage.ai import TokenUsage

_WRITTEN_KINDS = {
    "ephemeral_5m_input_tokens": "cache_write_5m_tokens",
    "ephemeral_1h_input_tokens": "cache_write_1h_tokens",
}
_TOOL_KINDS = {"web_search_requests": "web_searches"}
_EXTRA_CALLS = frozenset(("compaction", "advisor_message"))
# https://platform.claude.com/docs/en/build-with-claude/compaction: the counts of the response don't include these.
TYPES = frozenset(("message", "message_start", "message_delta", "message_stop"))


def read(members: Members, reading: UsageReading) -> None:
    """Read a message, or an event of one."""
    kind = value_of(members, "type")
    found = (get_nested(members, "message") or {}) if kind == "message_start" else members
    reading.set_model(value_of(found, "model"))
    usage = value_of(found, "usage")
    if isinstance(usage, dict):
        _read_input(usage, reading)
        _read_iterations(usage.get("iterations"), reading)
    if kind == "message_start":
        # Its output count covers only what precedes the first text, usually 1 token.
        reading.must_end = True
    elif kind == "message_stop":
        reading.end()
    else:
        made = count(usage.get("output_tokens")) if isinstance(usage, dict) else None
        if isinstance(usage, dict):
            _read_output_details(usage, reading)
        if made is not None:
            reading.output_tokens = max(made, reading.output_tokens or 0)
        if kind == "message_delta":
            reading.must_end = False
            delta = value_of(members, "delta")
            stopped = isinstance(delta, dict) and delta.get("stop_reason") is not None
            reading.output_final = reading.output_final or (stopped and made is not None)
        else:
            reading.output_final = True


def _read_input(usage: dict[str, Any], reading: UsageReading) -> None:
    """Add the tokens read from a cache or written to one, which ``input_tokens`` does not include.

    Counts may grow from event to event. Some servers send 0 in the first event, others in the last.
    """
    reading.uncached = _larger(reading.uncached, usage.get("input_tokens"))
    reading.cache_read = _larger(reading.cache_read, usage.get("cache_read_input_tokens"))
    reading.cache_written = _larger(reading.cache_written, usage.get("cache_creation_input_tokens"))
    if reading.uncached is not None:
        total = reading.uncached + (reading.cache_read or 0) + (reading.cache_written or 0)
        reading.input_tokens = total or None
    reading.cached_tokens = reading.cache_read
    reading.add_details(usage.get("cache_creation"), _WRITTEN_KINDS)
    reading.add_details(usage.get("server_tool_use"), _TOOL_KINDS)
    if usage.get("speed") == "fast":
        reading.price_context["speed"] = "fast"
    if usage.get("inference_geo") == "us":
        reading.price_context["inference_geo"] = "us"
    if usage.get("service_tier") == "batch":
        reading.price_context["processing"] = "batch"


def _read_iterations(given: Any, reading: UsageReading) -> None:
    """Read the calls of models that the response lists. The last event lists all of them."""
    if isinstance(given, list) and (found := [_make_iteration(one) for one in given if isinstance(one, dict)]):
        reading.iterations = found


def _make_iteration(usage: dict[str, Any]) -> Iteration:
    one = UsageReading()
    _read_input(usage, one)
    one.set_model(usage.get("model"))
    tokens = TokenUsage(
        one.model,
        one.input_tokens or (one.cache_read or 0) + (one.cache_written or 0),
        count(usage.get("output_tokens")) or 0,
        one.cache_read,
        one.cache_written,
        details=one.details,
    )
    return Iteration(tokens, usage.get("type") in _EXTRA_CALLS)


def _read_output_details(usage: dict[str, Any], reading: UsageReading) -> None:
    details = usage.get("output_tokens_details")
    if isinstance(details, dict):
        reading.reasoning_tokens = _larger(reading.reasoning_tokens, details.get("thinking_tokens"))


def _larger(known: int | None, value: Any) -> int | None:
    found = count(value)
    if known is None or found is None:
        return known if found is None else found
    return max(known, found)
