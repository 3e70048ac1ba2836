"""Spans of calls to AI providers (https://opentelemetry.io/docs/specs/semconv/gen-ai/). They never have a prompt."""

import re
from urllib.parse import urlsplit

from ari.base.secrets_in_text import looks_like_key
from ari.base.traces import AiCall, AiResult, Attributes
from ari.tracing.ai_parameters import Members, read_value

_PROVIDERS = {"gemini": "gcp.gemini", "mistral": "mistral_ai", "xai": "x_ai"}
"""Names of the conventions that differ from ARI's."""
_OPERATIONS = (
    (re.compile(r"/(?:chat/completions|messages|responses|api/chat)\Z"), "chat"),
    (re.compile(r"/(?:completions|api/generate)\Z"), "text_completion"),
    (re.compile(r"/(?:embeddings|api/embed(?:dings)?)\Z|:(?:batchE|e)mbedContents?\Z"), "embeddings"),
    (re.compile(r":(?:streamG|g)enerateContent\Z"), "generate_content"),
)
_MODEL_IN_PATH = re.compile(r"/models/([\w.@-]{1,100}):\w+\Z", re.ASCII)
_MODEL = re.compile(r"[\w./:@+~-]{1,100}", re.ASCII)
_RESPONSE_ID = re.compile(r"[\w.:-]{1,100}", re.ASCII)
_FINISH_REASON = re.compile(r"[A-Za-z_]{1,40}")


def name_call(call: AiCall, model: str | None) -> str:
    """The name of the span: the operation and the model, or the method if it isn't a known operation."""
    operation = find_operation(call.path)
    return call.method if operation is None else f"{operation} {model}" if model else operation


def find_operation(path: str) -> str | None:
    """The operation of a path, by its end; ``None`` for others, such as files."""
    return next((name for pattern, name in _OPERATIONS if pattern.search(path)), None)


def find_model(call: AiCall, members: Members) -> str | None:
    """The model that a request with these members names, if its name is a plain one."""
    found = call.model
    if found is None and (in_path := _MODEL_IN_PATH.search(call.path)):
        found = in_path[1]
    if found is None:
        named = read_value(members, "model")
        found = named if isinstance(named, str) else None
    return keep_plain(found)


def keep_plain(text: str | None, pattern: re.Pattern[str] = _MODEL) -> str | None:
    """The name of a model, unless it has characters that no name has, is too long or could be a key."""
    is_plain = text is not None and pattern.fullmatch(text) and not looks_like_key(text)
    return text if is_plain else None


def describe_call(call: AiCall, model: str | None) -> Attributes:
    """The attributes that are known before the call."""
    address = urlsplit(call.base_url)
    return {
        "gen_ai.operation.name": find_operation(call.path),
        "gen_ai.provider.name": _PROVIDERS.get(call.provider, call.provider),
        "gen_ai.request.model": model,
        "http.request.method": call.method,
        "server.address": address.hostname,
        "server.port": address.port or (443 if address.scheme == "https" else 80),
    }


def describe_result(result: AiResult) -> Attributes:
    """The attributes that are known after the call."""
    return {
        "http.response.status_code": result.status,
        "gen_ai.response.model": keep_plain(result.model),
        "gen_ai.usage.input_tokens": result.input_tokens,
        "gen_ai.usage.output_tokens": result.output_tokens,
        "gen_ai.response.id": keep_plain(result.response_id, _RESPONSE_ID),
        "gen_ai.response.finish_reasons": _list_reasons(result) or None,
        "gen_ai.usage.cache_read.input_tokens": result.cached_tokens,
        "gen_ai.usage.cache_creation.input_tokens": result.cache_written_tokens,
        "gen_ai.usage.reasoning.output_tokens": result.reasoning_tokens,
        "gen_ai.response.time_to_first_chunk": None if result.first_byte_ms is None else result.first_byte_ms / 1000,
        "ari.ai.ended": result.ended,
        "error.type": find_error(result),
    }


def find_error(result: AiResult) -> str | None:
    """Why the call failed; ``None`` if it didn't."""
    if result.status is None or result.status < 400:
        return None if result.ended == "complete" else result.ended
    return str(result.status)


def _list_reasons(result: AiResult) -> list[str]:
    return [one for one in result.finish_reasons if keep_plain(one, _FINISH_REASON)]
