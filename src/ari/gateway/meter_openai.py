"""How OpenAI tells what was used, and all who speak like it: chat, completions, embeddings, responses."""
# https://platform.openai.com/docs/api-reference: chat/object, chat-streaming, responses-streaming

from typing import Any

import msgspec

from ari.usage.ai import Told


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    """Chat calls them prompt and completion, responses input and output; DeepSeek has a name of its own for cached."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    prompt_cache_hit_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _Details | None = None


class _Answer(msgspec.Struct):
    model: str | None = None
    usage: _Usage | None = None
    response: "_Answer | None" = None


class _Chunk(msgspec.Struct):
    choices: list[Any] | None = None
    usage: _Usage | None = None


_answer = msgspec.json.Decoder(_Answer)
_chunk = msgspec.json.Decoder(_Chunk)


def read(document: bytes, so_far: Told) -> Told:
    """An answer, a chunk of a chat, or an event of a response, which holds the whole of it once it is complete."""
    try:
        found = _answer.decode(document)
    except msgspec.MsgspecError:
        return so_far
    found = found.response or found
    model, usage = found.model or so_far.model, found.usage
    if usage is None:
        return Told(model, so_far.input_tokens, so_far.output_tokens, so_far.cached_tokens)
    details = usage.prompt_tokens_details or usage.input_tokens_details
    return Told(
        model,
        _first(usage.prompt_tokens, usage.input_tokens),
        _first(usage.completion_tokens, usage.output_tokens),
        usage.prompt_cache_hit_tokens if details is None else details.cached_tokens,
    )


def only_tells_usage(document: bytes) -> bool:
    """Whether a chunk is the one that ``stream_options.include_usage`` adds: usage, and no choice."""
    try:
        found = _chunk.decode(document)
    except msgspec.MsgspecError:
        return False
    return found.usage is not None and found.choices == []


def _first(one: int | None, other: int | None) -> int | None:
    return other if one is None else one
