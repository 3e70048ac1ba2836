"""Reads the caller's limit of output tokens where the endpoint reads it. No I/O.

A member of another API is ignored by the provider, so it limits nothing and must not lower a reservation.
"""

import re
from collections.abc import Mapping
from typing import Any

from ari.gateway.json_tree import Ambiguous, Fields, compile_fields, find_values
from ari.gateway.route import Target

_CHAT_PATH = re.compile(r"/(?:chat/completions|sonar)\Z")
_ONLY_MAX_TOKENS = frozenset(("deepseek", "mistral", "ollama", "perplexity"))
"""Providers whose chat endpoint doesn't have ``max_completion_tokens``."""
_CHAT_FIELDS = ("max_tokens", "max_completion_tokens")
_CONFIGS = ("generationConfig", "generation_config")
_GEMINI_FIELDS = tuple(f"{config}.{name}" for config in _CONFIGS for name in ("maxOutputTokens", "max_output_tokens"))
_FIELDS = (
    (re.compile(r"/messages/batches\Z"), ("requests[].params.max_tokens",)),
    (re.compile(r"/(?:completions|messages)\Z"), ("max_tokens",)),
    (re.compile(r"/(?:responses|responses/compact|agent)\Z"), ("max_output_tokens",)),
    (re.compile(r"/complete\Z"), ("max_tokens_to_sample",)),
    (re.compile(r":(?:generateContent|streamGenerateContent)\Z"), _GEMINI_FIELDS),
    (re.compile(r"/api/(?:chat|generate)\Z"), ("options.num_predict",)),
)
_MAX_TOKENS = 10**9


def read_output_limit(target: Target, asked: Mapping[str, Any], item_count: int) -> int | None:
    """The most output tokens of one choice; ``None`` without a limit, or if servers could read it differently.

    Of several members that limit the output, the highest counts. ``asked`` are the members of the body; each of the
    ``item_count`` requests of a batch needs a limit.
    """
    fields = _find_fields(target)
    if not fields:
        return None
    try:
        values = find_values(asked, fields)
    except Ambiguous:
        return None
    if not values or ("requests" in fields and len(values) < item_count):
        return None
    if not all(isinstance(value, int) and not isinstance(value, bool) and value > 0 for value in values):
        return None
    return int(min(max(values), _MAX_TOKENS))


def _find_fields(target: Target) -> Fields | None:
    if _CHAT_PATH.search(target.path):
        is_older = target.provider.name in _ONLY_MAX_TOKENS
        return compile_fields(_CHAT_FIELDS[:1] if is_older else _CHAT_FIELDS)
    return next((compile_fields(fields) for path, fields in _FIELDS if path.search(target.path)), None)
