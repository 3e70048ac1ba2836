"""How Gemini tells what was used: in ``usageMetadata`` of an answer, or of each part of a stream, the last of which
counts; and like OpenAI under the paths where it speaks like it."""
# https://ai.google.dev/api/generate-content#UsageMetadata

import msgspec

from ari.gateway import meter_openai
from ari.usage.ai import Told


class _Usage(msgspec.Struct, rename="camel"):
    """What was thought is not among the candidates' tokens."""

    prompt_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None


class _Answer(msgspec.Struct, rename="camel"):
    model_version: str | None = None
    usage_metadata: _Usage | None = None


_answer = msgspec.json.Decoder(_Answer)
_answers = msgspec.json.Decoder(list[_Answer])


def read(document: bytes, so_far: Told) -> Told:
    """An answer or a part; without ``alt=sse`` a stream is one array of parts."""
    if b'"usageMetadata"' not in document:
        return meter_openai.read(document, so_far)
    try:
        parts = _answers.decode(document) if document.lstrip()[:1] == b"[" else [_answer.decode(document)]
    except msgspec.MsgspecError:
        return so_far
    for part in parts:
        so_far = _with(part, so_far)
    return so_far


def _with(part: _Answer, so_far: Told) -> Told:
    model, usage = part.model_version or so_far.model, part.usage_metadata
    if usage is None:
        return Told(model, so_far.input_tokens, so_far.output_tokens, so_far.cached_tokens)
    return Told(
        model,
        _sum(usage.prompt_token_count, usage.tool_use_prompt_token_count),
        _sum(usage.candidates_token_count, usage.thoughts_token_count),
        usage.cached_content_token_count,
    )


def _sum(*counts: int | None) -> int | None:
    told = [count for count in counts if count is not None]
    return sum(told) if told else None
