"""Finds models that a JSON body names outside the fields where providers usually read them. No I/O.

Routers and tools take models of their own: an advisor, the judges of a panel, the model that generates images. Members
with such names are read anywhere but in what users write and in schemas. A tool or plugin that isn't listed here could
use a model that the request doesn't name at all.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ari.gateway.json_tree import fold_name, require_clear

_MODEL_NAME = re.compile(
    r"(?:.*[_.-])?models?(?:[_.-]?(?:ids?|names?|list))?|.*[a-z](?:Models?(?:Ids?|Names?|List)?)", re.DOTALL
)
_CONTENT = frozenset(
    (
        "citations",
        "content",
        "contents",
        "documents",
        "format",
        "function",
        "function_declarations",
        "functiondeclarations",
        "functions",
        "grammar",
        "guided_json",
        "input_examples",
        "input_schema",
        "instruction",
        "instructions",
        "json_schema",
        "labels",
        "logit_bias",
        "messages",
        "metadata",
        "output_schema",
        "prediction",
        "prompt",
        "query",
        "response_format",
        "response_json_schema",
        "response_schema",
        "responseformat",
        "responsejsonschema",
        "responseschema",
        "schema",
        "structured_outputs",
        "system",
        "system_instruction",
        "systeminstruction",
        "text",
        "tool_choice",
    )
)
"""What users write, and schemas, as ``fold_name`` has their names."""
_INPUT, _TOOLS, _PLUGINS = "input", "tools", "plugins"
_OWN_KINDS = ("function", "custom")
_TOOL_MEMBERS = frozenset(("type", "model", "parameters", "tools"))
_SAFE_KINDS = re.compile(
    r"function|custom|namespace|mcp|mcp_toolset|local_shell|shell|apply_patch|tool_search|tool_search_tool_\w+"
    r"|(?:bash|text_editor|computer|memory|web_fetch|web_search|code_execution)_[0-9]{8}"
    r"|web_search(?:_preview)?(?:_[0-9]{4}_[0-9]{2}_[0-9]{2})?|web_search_premium|x_search|file_search"
    r"|collections_search|document_library|code_interpreter|code_execution|computer|computer_use|computer_use_preview"
    r"|browser_search|browser_automation|visit_website|wolfram_alpha|fetch_url|people_search|finance_search"
    r"|openrouter:(?:web_search|web_fetch|datetime)"
)
"""Tools that use no model, or only that of the request."""
_MODEL_KINDS = re.compile(r"(?:openrouter:)?image_generation|advisor_[0-9]{8}")
"""Tools that use one other model, which they may name."""
_ROUTER_KIND = "openrouter:"
_SAFE_MEMBERS = frozenset(
    (
        "code_execution",
        "computer_use",
        "file_search",
        "function_declarations",
        "google_maps",
        "google_search",
        "google_search_retrieval",
        "url_context",
    )
)
"""Gemini's tools are members of an object without a type."""
_SAFE_PLUGINS = ("context-compression", "file-parser", "response-healing", "web")
"""OpenRouter's plugins that use no other model: https://openrouter.ai/docs/guides/features/plugins/overview."""
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TOOL_PROBLEM = "A tool in this request could use a model that the request doesn't name."
_PLUGIN_PROBLEM = "A plugin in this request could use a model that the request doesn't name."


class OtherModels(NamedTuple):
    """``names`` are texts in members that name models; ``problem`` is a sentence about a model that isn't named."""

    names: list[str]
    problem: str | None


def find_other_models(tree: Mapping[str, Any], *, is_router: bool) -> OtherModels:
    """The models that a body names anywhere; ``is_router`` if the provider could be a router of several providers.

    Raises ``Ambiguous`` for two members of the same name.
    """
    names: list[str] = []
    problem: str | None = None
    left: list[Any] = [tree]
    while left:
        value = left.pop()
        if isinstance(value, list):
            left += (one for one in reversed(value) if isinstance(one, dict | list))
            continue
        require_clear(value, frozenset())
        inner: list[Any] = []
        for name, member in value.items():
            folded = fold_name(name)
            if is_model_name(name):
                names += _list_texts(member)
            elif folded == _INPUT:
                inner += _find_items_with_tools(member)
            elif folded == _TOOLS and isinstance(member, list):
                problem = problem or next(filter(None, (_find_problem(one, is_router) for one in member)), None)
                inner += [_without_schema(one) for one in member if isinstance(one, dict)]
            elif folded.lstrip("_") not in _CONTENT and isinstance(member, dict | list):
                inner.append(member)
            if folded == _PLUGINS and not _are_safe_plugins(member):
                problem = problem or _PLUGIN_PROBLEM
        left += reversed(inner)
    return OtherModels(names, problem)


def is_model_name(name: str) -> bool:
    """Whether a member or parameter of this name names models: ``model``, ``analysis_models``, ``judgeModel`` …"""
    return _MODEL_NAME.fullmatch(name) is not None or _MODEL_NAME.fullmatch(fold_name(name)) is not None


def _list_texts(value: Any) -> Iterator[str]:
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str) and one:
            yield one
        elif isinstance(one, list):
            left += reversed(one)
        elif isinstance(one, dict):
            require_clear(one, frozenset())
            left += reversed(one.values())


def _find_items_with_tools(value: Any) -> Iterator[dict[str, Any]]:
    """The tools in the input, which otherwise has no models but what users write."""
    for one in value if isinstance(value, list) else (value,):
        if isinstance(one, dict):
            require_clear(one, frozenset((_TOOLS,)))
            if isinstance(one.get(_TOOLS), list | dict):
                yield {_TOOLS: one[_TOOLS]}


def _without_schema(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool without the schema of a function that the caller runs."""
    if tool.get("type") in _OWN_KINDS:
        return {name: value for name, value in tool.items() if name != "parameters"}
    return tool


def _find_problem(tool: Any, is_router: bool) -> str | None:
    """Why a tool could use a model that isn't named. Raises ``Ambiguous``."""
    if not isinstance(tool, dict):
        return _TOOL_PROBLEM
    require_clear(tool, _TOOL_MEMBERS)
    kind = tool.get("type")
    if kind is None:
        # Anthropic's tools of the caller need no type, and Ollama's neither.
        is_safe = (
            "input_schema" in tool or "function" in tool or all(_fold_camel(name) in _SAFE_MEMBERS for name in tool)
        )
        return None if is_safe else _TOOL_PROBLEM
    if not isinstance(kind, str):
        return _TOOL_PROBLEM
    if _MODEL_KINDS.fullmatch(kind):
        # OpenRouter reads the model in the parameters, and ignores the one where OpenAI reads it.
        reads_parameters = kind.startswith(_ROUTER_KIND) or (is_router and "image_generation" in kind)
        place = tool.get("parameters") if reads_parameters else tool
        is_named = isinstance(place, dict) and isinstance(place.get("model"), str) and place["model"] != ""
        return None if is_named else _TOOL_PROBLEM
    return None if _SAFE_KINDS.fullmatch(kind) else _TOOL_PROBLEM


def _are_safe_plugins(value: Any) -> bool:
    if value is None or value is False:
        return True
    return isinstance(value, list) and all(isinstance(one, dict) and one.get("id") in _SAFE_PLUGINS for one in value)


def _fold_camel(name: str) -> str:
    return _CAPITAL.sub("_", name).lower()
