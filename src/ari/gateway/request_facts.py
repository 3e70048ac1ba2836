"""Reads which models a request asks a provider for, and how much of them. No I/O.

The models are read where the provider reads them. If two servers could read the request differently, or if the model is
chosen elsewhere (a stored preset, a file), the models are not determined.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec
from msgspec.structs import replace

from ari.base.hidden_fields import HiddenFields
from ari.gateway.content_size import ContentSize, measure_content
from ari.gateway.form_fields import is_form, list_files, read_form
from ari.gateway.header_filter import decodings
from ari.gateway.json_tree import (
    Ambiguous,
    compile_fields,
    find_values,
    fold_name,
    parse_tree,
    require_clear,
    require_shapes,
)
from ari.gateway.other_models import OtherModels, find_other_models, is_model_name
from ari.gateway.output_limit import read_output_limit
from ari.gateway.recordings import count_max_seconds
from ari.gateway.route import Target
from ari.gateway.tool_fees import count_reported_searches, find_unreported_fee
from ari.gateway.unreported_use import USE_HEADERS, find_unreported
from ari.http.request_head import RequestHead
from ari.integrations.model_fields import ModelPlace, find_model_place, has_one_place

_JSON_TYPE = re.compile(rb"(?:application/(?:[a-z0-9.-]+\+)?json(?: *; *charset=\"?utf-8\"?)?)?", re.IGNORECASE)
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_PATH_MODEL = re.compile(r"[0-9A-Za-z._:/@+~ -]+")
_ELSEWHERE = frozenset(
    (
        "api_base",
        "base_url",
        "content_policy_fallbacks",
        "context_window_fallbacks",
        "custom_llm_provider",
        "default_fallbacks",
        "deployment_id",
        "extra_body",
        "extra_headers",
        "extra_query",
        "fallback_models",
        "fallbacks",
        "litellm_params",
        "model_list",
        "preset",
        "prompt_id",
        "router_settings_override",
        "specific_deployment",
        "user_config",
    )
)
"""Members with which routers choose another model than the request names, or where its name means another one
(OpenRouter, LiteLLM, Perplexity)."""
_CONFIGS, _FILES = ("inputConfig", "input_config"), ("fileName", "file_name")
_CACHES = ("cachedContent", "cached_content")
_CACHE_PLACES = (
    "",
    "requests[].",
    "generateContentRequest.",
    "generate_content_request.",
    "extra_body.google.",
    "google.",
)
_STORED = compile_fields(
    (
        *(f"batch.{config}.{name}" for config in _CONFIGS for name in _FILES),
        *(f"{place}{name}" for place in _CACHE_PLACES for name in _CACHES),
        "prompt.id",
    )
)
"""Members with which Gemini reads the requests of a batch from a file, or input and tools from a cache that was made
for some model (https://ai.google.dev/api/caching), and OpenAI a prompt, model and tools."""
_EXTRA, _GOOGLE = "extra_body", frozenset(("google",))
"""Gemini's chat API has options of its own in ``extra_body.google``."""
_FORM_COUNTS = frozenset(("n", "best_of"))
_FORM_MEMBERS = _FORM_COUNTS | {"response_format"}
_DIGITS = re.compile(r"[0-9]{1,9}")
_CONTENTS = frozenset(("messages", "contents", "system", "instructions", "prompt"))
"""Large members that no target's facts depend on."""
_PRESET = "preset"
"""In the query string, as a model: LiteLLM prefers the model of the query string to that of the body."""
_ROUTING_HEADERS = (b"x-portkey-config", b"x-portkey-provider", b"helicone-fallbacks", b"x-litellm-model")
FACT_HEADERS = frozenset((*_ROUTING_HEADERS, *USE_HEADERS))
"""Headers that change the facts of a request, next to its content type."""
_MAX_CHOICES, _MAX_PROMPTS, _MAX_BATCH = 128, 2_048, 100_000
"""The most that any provider accepts; requests for more are refused there, and must not reserve a whole budget.
https://platform.openai.com/docs/api-reference/chat/create, https://docs.claude.com/en/api/creating-message-batches."""
_GEMINI_CONFIGS, _GEMINI_COUNTS = ("generationConfig", "generation_config"), ("candidateCount", "candidate_count")
_READS = frozenset(("GET", "HEAD", "DELETE"))
_NO_VALUES: Mapping[str, Any] = {}
_US_PRICES = (("inference_geo", "us"),)


class _Asked(NamedTuple):
    """The request behind the facts: ``members`` are those of the body, without its large ones."""

    head: RequestHead
    members: Mapping[str, Any]


class RequestFacts(HiddenFields, msgspec.Struct, frozen=True):
    """``models`` are the names as sent, each once, without a leading ``models/``; empty if the request uses none.

    ``is_determined`` says that the provider will use no other models; otherwise ``problem`` is a sentence that says
    why. ``max_output_tokens`` is the caller's limit for each choice of each item, ``None`` without a limit.
    ``item_count`` counts the requests of a batch or the prompts of a completion, ``choice_count`` the responses to
    each. No count is higher than providers accept.
    ``unnamed_model`` is a sentence that says which tool could use a model that the request doesn't name.
    ``unreported`` is a sentence that says why the response won't report the use, ``None`` if it should, and
    ``unreported_fee`` one that says what may have a fee that it doesn't report. ``search_count`` is how
    often the request may search the web at a fee that the response reports. ``price_context`` selects prices, as that
    of ``TokenUsage``. ``content`` is the size of what the model reads, ``None`` if only that of the body is known.
    ``may_generate``: the method only reads or deletes, but a server that ignores it could use a model.
    """

    models: tuple[str, ...]
    is_determined: bool
    max_output_tokens: int | None
    input_bytes: int
    item_count: int
    choice_count: int
    streams: bool
    problem: str | None = None
    unnamed_model: str | None = None
    unreported: str | None = None
    unreported_fee: str | None = None
    search_count: int = 0
    may_generate: bool = False
    price_context: tuple[tuple[str, str], ...] = ()
    content: ContentSize | None = None
    asked: _Asked | None = None


def read_facts(target: Target, head: RequestHead, body: bytes | None) -> RequestFacts:
    """The facts of a request; ``body`` is ``None`` if it was too large to read."""
    place = find_model_place(target.provider, head.method, target.path)
    if head.method in _READS and body != b"" and _may_generate(target):
        facts = _make_undetermined(body, f"ARI can't determine the model of a {head.method} request with a body here.")
        return replace(facts, may_generate=True)
    is_encoded = "%" in target.path and head.method not in _READS
    if is_encoded and not has_one_place(target.provider, head.method, decodings(target.path)):
        return _make_undetermined(body, "The path has characters that servers could read differently.")
    if place is None:
        return _make_undetermined(body, "ARI doesn't know where this endpoint names its model.")
    if body is None:
        return _make_undetermined(body, "The body is too large to read its model.")
    try:
        _require_plain_head(place, head)
        in_path = [] if place.in_path is None else [_decode_model(place.in_path)]
        if not place.fields:
            return RequestFacts(tuple(in_path), True, None, len(body), 1, 1, False)
        in_body, asked, content = _read_body(place, target, head, body)
    except Ambiguous as error:
        return _make_undetermined(body, str(error))
    models = tuple(dict.fromkeys(map(_strip_prefix, (*in_path, *in_body.names))))
    problem = _find_problem(target, models)
    facts = _describe(target, models, asked, len(body), problem)
    members = {name: None if name in _CONTENTS else value for name, value in asked.items()}
    facts = replace(facts, unnamed_model=in_body.problem, content=content, asked=_Asked(head, members))
    return _add_target_facts(facts, target)


def _add_target_facts(facts: RequestFacts, target: Target) -> RequestFacts:
    """The facts with those that depend on where a target reads the members of the body."""
    if facts.asked is None:
        return facts
    head, members = facts.asked
    fee = find_unreported_fee(target.path, facts.models, members)
    return replace(
        facts,
        max_output_tokens=read_output_limit(target, members, facts.item_count),
        unreported=find_unreported(target.path, head, members),
        unreported_fee=fee,
        search_count=0 if fee is not None else count_reported_searches(target.path, members),
        price_context=_US_PRICES if members.get("inference_geo") not in (None, "global") else (),
    )


def add_head(facts: RequestFacts, head: RequestHead, input_bytes: int, content: ContentSize | None) -> RequestFacts:
    """The facts of a request with the same members as another, except for its messages."""
    asked = None if facts.asked is None else _Asked(head, facts.asked.members)
    return replace(facts, input_bytes=input_bytes, content=content, asked=asked)


def describe_alias_target(facts: RequestFacts, target: Target, model: str) -> RequestFacts:
    """The facts of a request in which the model of an alias replaces the alias."""
    models = (_strip_prefix(model),)
    problem = facts.problem or _find_problem(target, models)
    found = replace(facts, models=models, is_determined=problem is None, problem=problem)
    return _add_target_facts(found, target)


def is_plain_in_path(model: str) -> bool:
    """Whether all servers read this model in a path alike, and only as a model."""
    return _PATH_MODEL.fullmatch(model) is not None and not {".", ".."} & {*model.split("/")}


def _make_undetermined(body: bytes | None, problem: str) -> RequestFacts:
    return RequestFacts((), False, None, len(body or b""), 1, 1, False, problem)


def _may_generate(target: Target) -> bool:
    """Whether a server that ignores the method could take the path for one whose requests use a model."""
    paths = {re.split("[;?#]", path)[0].rstrip("/") for path in decodings(target.path)}
    places = (find_model_place(target.provider, "POST", path) for path in paths)
    return any(place is not None and (place.fields or place.in_path) for place in places)


def _require_plain_head(place: ModelPlace, head: RequestHead) -> None:
    """Raise ``Ambiguous`` if the query string or a header could name a model."""
    if head.query and place.fields:
        pairs = parse_qsl(head.query.replace(b";", b"&").decode("latin-1"), keep_blank_values=True)
        if any(is_model_name(name) or fold_name(name) == _PRESET for name, _ in pairs):
            raise Ambiguous("Name the model in the body, not in the query string.")
    for name in _ROUTING_HEADERS:
        if name in head.headers:
            raise Ambiguous(f"The header {name.decode()} could choose another model.")


def _decode_model(text: str) -> str:
    """The model in a path. Raises ``Ambiguous`` for characters that servers could decode differently."""
    decoded = re.sub("%2f", "/", text, flags=re.IGNORECASE)
    if not _PATH_MODEL.fullmatch(decoded):
        raise Ambiguous("The model in the path has characters that servers could read differently.")
    return decoded


def _read_body(
    place: ModelPlace, target: Target, head: RequestHead, body: bytes
) -> tuple[OtherModels, Mapping[str, Any], ContentSize | None]:
    """The models that the body names or may use, its members, and the size of its content. Raises ``Ambiguous``."""
    content_type = head.first(b"content-type") or b""
    if is_form(content_type):
        return _read_form_facts(place, content_type, body)
    if not _JSON_TYPE.fullmatch(content_type.strip()):
        raise Ambiguous("Send the body as application/json in UTF-8.")
    if not body.strip():
        return OtherModels([], None), _NO_VALUES, None
    tree = parse_tree(body)
    if not isinstance(tree, dict):
        raise Ambiguous("The body isn't a JSON object.")
    require_clear(tree, _ELSEWHERE)
    if find_values(tree, _STORED):
        raise Ambiguous("A stored file, prompt or cache could bring a model or input that the request doesn't name.")
    if any(tree.get(name) and not _is_google_option(target, name, tree[name]) for name in _ELSEWHERE):
        raise Ambiguous("The body lets the provider choose another model than it names.")
    model_fields = compile_fields(place.fields)
    values = find_values(tree, model_fields)
    require_shapes(tree, model_fields)
    if not all(isinstance(value, str) and not _SURROGATE.search(value) for value in values):
        raise Ambiguous("The body names a model that isn't text.")
    other = find_other_models(tree, is_router=bool(target.provider.routing_models))
    if any(map(_SURROGATE.search, other.names)):
        raise Ambiguous("The body names a model that isn't text.")
    return other._replace(names=[*values, *other.names]), tree, measure_content(body, tree)


def _is_google_option(target: Target, name: str, value: Any) -> bool:
    is_option = target.provider.name == "gemini" and name == _EXTRA
    return is_option and isinstance(value, dict) and value.keys() <= _GOOGLE


def _read_form_facts(
    place: ModelPlace, content_type: bytes, body: bytes
) -> tuple[OtherModels, Mapping[str, Any], ContentSize]:
    """As ``_read_body``, of a form; a count that isn't a number stays text."""
    names = frozenset(field for field in place.fields if field.isidentifier())
    fields = read_form(content_type, body, names | _ELSEWHERE | _FORM_MEMBERS)
    if any(name in _ELSEWHERE or len(values) > 1 for name, values in fields.items()):
        raise Ambiguous("The form has a field twice, or one that could choose another model.")
    members: dict[str, Any] = {}
    for name in _FORM_MEMBERS & fields.keys():
        text = fields[name][0]
        members[name] = int(text) if name in _FORM_COUNTS and _DIGITS.fullmatch(text) else text
    models = [values[0] for name, values in fields.items() if name in names]
    files = list_files(content_type, body)
    attached, max_seconds = sum(map(len, files)), sum(map(count_max_seconds, files))
    return (
        OtherModels(models, None),
        members,
        ContentSize(max(1, len(body) - attached), len(files), attached, max_seconds),
    )


def _find_problem(target: Target, models: tuple[str, ...]) -> str | None:
    """Why the provider could use another model than the request names."""
    if not models:
        return "The request names no model."
    if any(map(target.provider.is_routing_model, models)):
        return "This model lets the provider choose another one."
    if any("," in model for model in models):
        return "A router may read a comma as the end of one model's name and the start of another's."
    return None


def _strip_prefix(model: str) -> str:
    """Gemini's resource name and its short form are the same model."""
    return model.removeprefix("models/")


def _describe(
    target: Target,
    models: tuple[str, ...],
    asked: Mapping[str, Any],
    input_bytes: int,
    problem: str | None,
) -> RequestFacts:
    batch = asked.get("requests")
    items: list[Any] = [one for one in batch if isinstance(one, dict)] if isinstance(batch, list) else []
    item_count = max(min(len(items), _MAX_BATCH), _count_prompts(asked.get("prompt")))
    return RequestFacts(
        models=models,
        is_determined=problem is None,
        max_output_tokens=read_output_limit(target, asked, item_count),
        input_bytes=input_bytes,
        item_count=item_count,
        choice_count=_count_choices(asked),
        streams=_streams(target.path, asked),
        problem=problem,
    )


def _count_choices(asked: Mapping[str, Any]) -> int:
    configs = [one for name in _GEMINI_CONFIGS if isinstance(one := asked.get(name), dict)]
    counts = (asked.get("n"), asked.get("best_of"), *(one.get(name) for one in configs for name in _GEMINI_COUNTS))
    return max(1, *(min(count, _MAX_CHOICES) if isinstance(count, int) else 1 for count in counts))


def _count_prompts(value: Any) -> int:
    """The prompts of a completion, each with a response of its own; a list of numbers is one prompt."""
    many = isinstance(value, list) and not all(isinstance(one, int) for one in value[:1])
    return min(len(value), _MAX_PROMPTS) if many else 1


def _streams(path: str, asked: Mapping[str, Any]) -> bool:
    if path in ("/api/chat", "/api/generate"):
        return asked.get("stream") is not False  # Ollama's own endpoints stream unless asked not to.
    return asked.get("stream") is True or path.endswith((":streamGenerateContent", "/stream"))
