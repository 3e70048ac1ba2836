"""How Anthropic tells what was used: a message, or the first and the last events of its stream."""
# https://docs.anthropic.com/en/api/messages-streaming: message_start tells the input, message_delta the output so far.

import msgspec

from ari.usage.ai import Told


class _Usage(msgspec.Struct):
    """Tokens read from a cache, or written to one, are not among ``input_tokens``."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class _Answer(msgspec.Struct):
    model: str | None = None
    usage: _Usage | None = None
    message: "_Answer | None" = None


_answer = msgspec.json.Decoder(_Answer)


def read(document: bytes, so_far: Told) -> Told:
    """A message, or an event: what a later one repeats replaces what an earlier one said."""
    try:
        found = _answer.decode(document)
    except msgspec.MsgspecError:
        return so_far
    found = found.message or found
    model, usage = found.model or so_far.model, found.usage
    if usage is None:
        return Told(model, so_far.input_tokens, so_far.output_tokens, so_far.cached_tokens)
    output = so_far.output_tokens if usage.output_tokens is None else usage.output_tokens
    if usage.input_tokens is None:
        return Told(model, so_far.input_tokens, output, so_far.cached_tokens)
    cached = usage.cache_read_input_tokens or 0
    return Told(model, usage.input_tokens + cached + (usage.cache_creation_input_tokens or 0), output, cached)
