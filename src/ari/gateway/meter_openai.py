"""Usage in OpenAI's format: chat, completions, embeddings, responses, audio, images."""
# https://platform.openai.com/docs/api-reference: chat/object, chat-streaming, responses-streaming

import re
from typing import Any

import msgspec

from ari.gateway.json_members import Members, get_nested, has, value_of
from ari.gateway.reading import UsageReading, count, first_count

_ENDS = frozenset(("response.completed", "response.incomplete", "response.failed", "response.cancelled"))
_FINAL_STATES = frozenset(("completed", "incomplete", "failed", "cancelled"))
_DELTA = re.compile(rb'"delta"\s*:')
_FINISHED = re.compile(rb'"finish_reason"\s*:\s*"')
_INPUT_DETAILS = ("prompt_tokens_details", "input_tokens_details", "input_token_details")
_OUTPUT_DETAILS = ("completion_tokens_details", "output_tokens_details", "output_token_details")
_INPUT_KINDS = {"audio_tokens": "input_audio_tokens", "image_tokens": "input_image_tokens"}
_CACHED_KINDS = {"audio_tokens": "cache_audio_read_tokens", "image_tokens": "cache_image_read_tokens"}
_OUTPUT_KINDS = {"audio_tokens": "output_audio_tokens", "image_tokens": "output_image_tokens"}
_OTHER_KINDS = {
    "num_search_queries": "web_searches",  # Perplexity, as is the next
    "citation_tokens": "output_citation_tokens",
    "prompt_audio_seconds": "audio_seconds",  # Mistral
}
_OF_EVERY_CHUNK = frozenset(
    ("id", "object", "created", "model", "system_fingerprint", "service_tier", "obfuscation", "choices", "usage")
)
_OWN_PRICE_TIERS = frozenset(("flex", "priority", "fast"))
_FINISHED_BY_ERROR = re.compile(rb'"finish_reason"\s*:\s*"error"')


def read(members: Members, reading: UsageReading) -> None:
    """Read a response, a chat chunk, or an event of the Responses API, whose last event holds the whole response."""
    kind = value_of(members, "type")
    named = isinstance(kind, str) and kind.startswith("response.")
    inner = get_nested(members, "response") if named else None
    if named:
        reading.must_end = True
    found = members if inner is None else inner
    reading.set_model(value_of(found, "model"))
    choices = found.get("choices")
    usage = value_of(found, "usage")
    if not isinstance(usage, dict):
        usage = _groq_usage(found)
    tier = value_of(found, "service_tier")
    if isinstance(tier, str) and tier in _OWN_PRICE_TIERS:
        reading.price_context["service_tier"] = tier
    if usage is not None:
        _read_usage(usage, reading)
        is_final = _is_final(found, choices, inner is not None)
        reading.output_final = reading.output_final or is_final
        if not named:
            # A server that sends the count so far also sends the final one.
            reading.must_end = not reading.output_final and _DELTA.search(bytes(choices or b"")) is not None
    if choices is not None and _FINISHED_BY_ERROR.search(bytes(choices)):
        reading.failed = True
    if named and kind in _ENDS:
        reading.end()
        reading.failed = reading.failed or kind == "response.failed"


def _is_final(found: Members, choices: Any, is_response: bool) -> bool:
    """Whether the count is final. Some servers send the count so far with every chunk."""
    if is_response:
        return value_of(found, "status") in _FINAL_STATES
    return not has_choices(found) or _FINISHED.search(bytes(choices)) is not None


def has_choices(members: Members) -> bool:
    """Whether a chunk has a choice in it."""
    return has(members, "choices") and value_of(members, "choices") != []


def adds_usage(members: Members) -> bool:
    """Whether a chunk is the one that ``stream_options.include_usage`` adds: usage, and no choice."""
    return has(members, "usage") and not has_choices(members) and not has(members, "error") and "type" not in members


def without_usage(members: Members) -> bytes | None:
    """The same chunk without its usage; ``None`` if nothing is left that the other chunks don't have."""
    if all(name in _OF_EVERY_CHUNK or not has(members, name) for name in members):
        return None
    return msgspec.json.encode({name: value for name, value in members.items() if name != "usage"})


def _groq_usage(members: Members) -> dict[str, Any] | None:
    # https://console.groq.com/docs/text-chat: the last chunk has it in x_groq, also where nobody asked.
    own = value_of(members, "x_groq")
    usage = own.get("usage") if isinstance(own, dict) else None
    return usage if isinstance(usage, dict) else None


def _read_usage(usage: dict[str, Any], reading: UsageReading) -> None:
    """Chat calls them prompt and completion tokens, responses input and output tokens."""
    details = [one for name in _INPUT_DETAILS if isinstance(one := usage.get(name), dict)]
    made_details = [one for name in _OUTPUT_DETAILS if isinstance(one := usage.get(name), dict)]
    found = first_count(usage.get("prompt_tokens"), usage.get("input_tokens"))
    made = _output(usage)
    cached = first_count(
        *(one.get("cached_tokens") for one in details),
        usage.get("prompt_cache_hit_tokens"),  # DeepSeek
        usage.get("cached_tokens"),  # Moonshot
    )
    reading.input_tokens = reading.input_tokens if found is None else found
    reading.output_tokens = reading.output_tokens if made is None else made
    reading.cached_tokens = reading.cached_tokens if cached is None else cached
    written = first_count(*(one.get("cache_write_tokens") for one in details))
    reading.cache_written = reading.cache_written if written is None else written
    thought = first_count(*(one.get("reasoning_tokens") for one in made_details), usage.get("reasoning_tokens"))
    reading.reasoning_tokens = reading.reasoning_tokens if thought is None else thought
    for one in details:
        reading.add_details(one, _INPUT_KINDS)
        reading.add_details(one.get("cached_tokens_details"), _CACHED_KINDS)
    for one in made_details:
        reading.add_details(one, _OUTPUT_KINDS)
    reading.add_details(usage, _OTHER_KINDS)
    if usage.get("type") == "duration":  # a transcription
        reading.add_details(usage, {"seconds": "audio_seconds"})


def _output(usage: dict[str, Any]) -> int | None:
    """All tokens made. xAI does not count reasoning among completion tokens; its total shows it.

    Nor does Perplexity, which has these counts next to the others. Of an embedding, the total is the input.
    """
    made = first_count(usage.get("completion_tokens"), usage.get("output_tokens"))
    details = usage.get("completion_tokens_details")
    thought = count(details.get("reasoning_tokens")) if isinstance(details, dict) else None
    found, total = count(usage.get("prompt_tokens")), count(usage.get("total_tokens"))
    if made is None:
        return 0 if found is not None and found == total else None
    if "citation_tokens" in usage:
        return made + (count(usage["citation_tokens"]) or 0) + (count(usage.get("reasoning_tokens")) or 0)
    if thought and found is not None and total == found + made + thought:
        return made + thought
    return made
