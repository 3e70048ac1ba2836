"""Usage in Gemini's format: ``usageMetadata`` of a response, or of the last part of a stream."""
# https://ai.google.dev/api/generate-content#UsageMetadata

import re
from typing import Any

from ari.gateway.json_members import Members, value_of
from ari.gateway.reading import UsageReading, count

_DETAILS = {
    "promptTokensDetails": "input_{}_tokens",
    "toolUsePromptTokensDetails": "input_{}_tokens",
    "candidatesTokensDetails": "output_{}_tokens",
    "cacheTokensDetails": "cache_{}_read_tokens",
}
_MODALITIES = {"AUDIO": "audio", "IMAGE": "image", "DOCUMENT": "image", "VIDEO": "video"}
"""A document is priced as an image."""
_FINISHED = re.compile(rb'"finishReason"\s*:\s*"')
_BLOCKED = re.compile(rb'"blockReason"\s*:\s*"')


def read(members: Members, reading: UsageReading) -> None:
    """Read a response, or a part of a stream. ``candidatesTokenCount`` excludes thoughts, so they are added."""
    reading.set_model(value_of(members, "modelVersion"))
    usage = value_of(members, "usageMetadata")
    if not isinstance(usage, dict):
        return
    found = _sum(usage.get("promptTokenCount"), usage.get("toolUsePromptTokenCount"))
    made = _sum(usage.get("candidatesTokenCount"), usage.get("thoughtsTokenCount"))
    is_finished = _FINISHED.search(bytes(members.get("candidates") or b"")) is not None
    is_finished = is_finished or _BLOCKED.search(bytes(members.get("promptFeedback") or b"")) is not None
    if made is None and is_finished and found is not None and found == count(usage.get("totalTokenCount")):
        made = 0  # Google leaves out zeros
    cached = count(usage.get("cachedContentTokenCount"))
    reading.input_tokens = reading.input_tokens if found is None else found
    reading.output_tokens = reading.output_tokens if made is None else made
    reading.cached_tokens = reading.cached_tokens if cached is None else cached
    thought = count(usage.get("thoughtsTokenCount"))
    reading.reasoning_tokens = reading.reasoning_tokens if thought is None else thought
    reading.details |= _read_details(usage)
    reading.output_final = is_finished


def _read_details(usage: dict[str, Any]) -> dict[str, int]:
    """The tokens of each kind of media."""
    found: dict[str, int] = {}
    for name, kind in _DETAILS.items():
        parts = usage.get(name)
        for part in parts if isinstance(parts, list) else ():
            media = _MODALITIES.get(str(part.get("modality"))) if isinstance(part, dict) else None
            tokens = count(part.get("tokenCount")) if media else None
            if tokens is not None:
                key = kind.format(media)
                found[key] = found.get(key, 0) + tokens
    return found


def _sum(*values: object) -> int | None:
    known = [found for found in map(count, values) if found is not None]
    return sum(known) if known else None
