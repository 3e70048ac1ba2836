"""Finds tools and options of a request whose fee its response doesn't report, so that no budget could count it. No I/O.

Providers add such tools often, so those without a fee are listed here, and any other one may have a fee.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ari.gateway.json_tree import Ambiguous, compile_fields, find_values, require_clear

REPORTED_SEARCHES = "web_searches"
"""The kind of usage with which Anthropic reports its searches."""
_TOOLS = compile_fields(("tools[]", "input[].tools[]", "google.tools[]", "extra_body.google.tools[]"))
_FREE = re.compile(
    r"function|custom|mcp|mcp_toolset|local_shell|apply_patch|tool_search|tool_search_tool_\w+"
    r"|(?:bash|text_editor|computer|memory|web_fetch)_[0-9]{8}"
)
"""Tools that the caller runs, and those of providers that cost only tokens."""
_ANTHROPIC_SEARCH = re.compile(r"web_search_[0-9]{8}")
_USUAL_SEARCHES = 10
"""Reserved without the caller's limit; they cost 0.10 US dollars."""
_MAX_SEARCHES = 1_000
"""The caller's limit must not reserve a whole budget."""
_MESSAGES_PATH = re.compile(r"/messages\Z")
_FREE_MEMBERS = frozenset(
    ("functionDeclarations", "function_declarations", "codeExecution", "code_execution", "urlContext", "url_context")
)
"""Gemini's tools are members of an object without a type."""
_OWN_KINDS = frozenset(("function", "custom"))
_OWN_MEMBERS = frozenset(
    (
        "type",
        "function",
        "custom",
        "name",
        "description",
        "parameters",
        "strict",
        "format",
        "input_schema",
        "output_schema",
        "input_examples",
        "cache_control",
        "defer_loading",
        "allowed_callers",
        "eager_input_streaming",
    )
)
"""Members of tools that the caller runs, of OpenAI and Anthropic. Any other one could be a tool of the provider."""
_GEMINI_PATH = re.compile(r":\w+\Z")
_OPTIONS = ("web_search_options", "search_parameters", "plugins", "compound_custom")
"""Members of OpenAI, xAI, OpenRouter and Groq that let the provider search or run tools."""
_SEARCH_MODEL = re.compile(
    r"-search(?:-|\Z)|:online(?::|\Z)|/[^/]*-deep-research|(?:\A|/)perplexity/sonar|(?:\A|/)compound(?:-beta|-mini|\Z)",
    re.IGNORECASE,
)
"""Models that always search: of OpenAI's chat API, of OpenRouter with a fee of its own, and Groq's; and a suffix."""
_PROBLEM = "The fee of {} isn't reported, so a budget can't count it."


def find_unreported_fee(path: str, models: tuple[str, ...], asked: Mapping[str, Any]) -> str | None:
    """A sentence for the caller about the first fee that the response doesn't report; ``None`` without any."""
    return next(_list_fees(path, models, asked), None)


def count_reported_searches(path: str, asked: Mapping[str, Any]) -> int:
    """The searches that the request may make at a fee that its response reports (Anthropic): its own limit, if any."""
    return sum(_count_searches(tool) for tool in _find_tools(asked) if _is_reported(path, tool))


def _list_fees(path: str, models: tuple[str, ...], asked: Mapping[str, Any]) -> Iterator[str]:
    try:
        require_clear(dict(asked), frozenset(("tools", *_OPTIONS)))
        tools = _find_tools(asked)
    except Ambiguous as error:
        yield str(error)
        return
    if not isinstance(asked.get("tools"), list | None) or not all(
        _is_free(path, tool) or _is_reported(path, tool) for tool in tools
    ):
        yield _PROBLEM.format("a tool in this request")
    for name in _OPTIONS:
        if asked.get(name) not in (None, False, []):
            yield _PROBLEM.format(name)
    if any(map(_SEARCH_MODEL.search, models)):
        yield _PROBLEM.format("searches by this model")


def _find_tools(asked: Mapping[str, Any]) -> list[Any]:
    return find_values(asked, _TOOLS)


def _is_free(path: str, tool: Any) -> bool:
    if not isinstance(tool, dict):
        return False
    try:
        require_clear(tool, frozenset(("type", *_FREE_MEMBERS)))
    except Ambiguous:
        return False
    kind = tool.get("type")
    if _GEMINI_PATH.search(path) or (kind is None and "input_schema" not in tool):
        return tool.keys() <= _FREE_MEMBERS
    if kind is not None and not (isinstance(kind, str) and _FREE.fullmatch(kind)):
        return False
    # Anthropic's tools of the caller need no type.
    return tool.keys() <= _OWN_MEMBERS if kind is None or kind in _OWN_KINDS else not tool.keys() & _FREE_MEMBERS


def _count_searches(tool: Any) -> int:
    limit = tool.get("max_uses")
    return min(limit, _MAX_SEARCHES) if type(limit) is int and limit > 0 else _USUAL_SEARCHES


def _is_reported(path: str, tool: Any) -> bool:
    kind = tool.get("type") if isinstance(tool, dict) else None
    return isinstance(kind, str) and _ANTHROPIC_SEARCH.fullmatch(kind) is not None and bool(_MESSAGES_PATH.search(path))
