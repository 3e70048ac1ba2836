"""The parameters of AI requests that spans have: numbers and switches, never a text of the caller."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from ari.base.traces import AiCall, Attributes

_MAX_BODY_BYTES = 1024 * 1024
_MAX_INTEGER = 2**63 - 1
"""The protocol has no larger ones, and one of them would make it drop all spans that are sent together."""
_MAX_NUMBER = 1_000_000_000
_CHOICES = "gen_ai.request.choice.count"
_COUNTS = {
    "gen_ai.request.max_tokens": (
        "max_completion_tokens",
        "max_output_tokens",
        "max_tokens",
        "maxOutputTokens",
        "num_predict",
    ),
    _CHOICES: ("n", "candidateCount"),
    "gen_ai.request.seed": ("seed",),
    "gen_ai.request.top_k": ("top_k", "topK"),
    "gen_ai.embeddings.dimension.count": ("dimensions", "outputDimensionality"),
}
_NUMBERS = {
    "gen_ai.request.temperature": ("temperature",),
    "gen_ai.request.top_p": ("top_p", "topP"),
    "gen_ai.request.frequency_penalty": ("frequency_penalty", "frequencyPenalty"),
    "gen_ai.request.presence_penalty": ("presence_penalty", "presencePenalty"),
}
"""Attributes of the conventions, and the names of OpenAI, Anthropic, Gemini and Ollama."""
_CONFIGS = ("generationConfig", "generation_config", "options")
"""Members in which Gemini and Ollama have them."""
_ALWAYS_STREAMS = (":streamGenerateContent",)
_STREAMS_BY_DEFAULT = ("/api/chat", "/api/generate")

Members = Mapping[str, msgspec.Raw]


def read_members(call: AiCall) -> Members:
    """The members of the request's JSON, not parsed; none if it is something else, streams or is large."""
    return {} if call.body is None or len(call.body) > _MAX_BODY_BYTES else _split(call.body)


def read_value(members: Members, name: str) -> Any:
    """The value of a member; ``None`` if it is missing or nested too deeply."""
    raw = members.get(name)
    try:
        return None if raw is None else msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def describe_parameters(call: AiCall, members: Members) -> Attributes:
    """The attributes of the parameters that the request sets."""
    found: dict[str, float | None] = {"gen_ai.request.stream": _streams(call.path, members) or None}
    for group in _list_groups(members):
        for names, read in ((_COUNTS, _read_count), (_NUMBERS, _read_number)):
            for name, spellings in names.items():
                if found.get(name) is None:
                    found[name] = _find(group, spellings, read)
    if found[_CHOICES] == 1:
        found[_CHOICES] = None  # the conventions leave out the usual number
    return found


def _split(text: bytes | msgspec.Raw) -> Members:
    try:
        return msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _list_groups(members: Members) -> Iterator[Members]:
    yield members
    for name in _CONFIGS:
        if name in members:
            yield _split(members[name])


def _find(
    group: Members, spellings: tuple[str, ...], read: Callable[[object], int | float | None]
) -> int | float | None:
    return next((value for name in spellings if (value := read(read_value(group, name))) is not None), None)


def _read_count(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if -_MAX_INTEGER <= value <= _MAX_INTEGER else None


def _read_number(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if abs(value) <= _MAX_NUMBER else None


def _streams(path: str, members: Members) -> bool:
    if path.endswith(_ALWAYS_STREAMS):
        return True
    given = read_value(members, "stream")
    return given is not False if path in _STREAMS_BY_DEFAULT and members else given is True
