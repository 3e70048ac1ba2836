"""Scopes ``resource:action``, with ``*`` for every scope or for every action of a resource."""

from collections.abc import Iterable

from ari.base.errors import Invalid, Problem

AI_PROVIDERS = {
    "anthropic": "Anthropic",
    "deepseek": "DeepSeek",
    "elevenlabs": "ElevenLabs",
    "gemini": "Google Gemini",
    "groq": "Groq",
    "mistral": "Mistral",
    "ollama": "Ollama",
    "openai": "OpenAI",
    "openai_compatible": "the OpenAI-compatible service",
    "openrouter": "OpenRouter",
    "perplexity": "Perplexity",
    "xai": "xAI",
}
"""The providers of the AI gateway; keys know no integrations, so a test keeps the two alike."""

SCOPES = {
    "api:read": "Read the OpenAPI description and the API docs.",
    "keys:read": "List API keys and read their details and events.",
    "keys:verify": "Verify API keys for another service.",
    "keys:write": "Create, change, revoke and delete API keys.",
    "notifications:read": "Read notification settings and the delivery history.",
    "notifications:write": "Turn notifications on or off, and send a test email.",
    "usage:read": "Read the usage log of every key.",
    "integrations:read": "List integrations and read their status, without their keys.",
    "integrations:write": "Add, replace, test and remove provider keys.",
    **{f"ai:{name}": f"Use {title} through the AI gateway." for name, title in AI_PROVIDERS.items()},
    **{
        f"ai-account:{name}": f"Use every other endpoint of {title} through the AI gateway, such as files and jobs."
        for name, title in AI_PROVIDERS.items()
    },
}

PRESETS = {
    "standard": ("API docs only", ("api:read",)),
    "read-only": ("Read only", ("api:read", "keys:read", "usage:read")),
    "ai-gateway": ("AI gateway", tuple(f"ai:{name}" for name in AI_PROVIDERS)),
    "administrator": ("Full access", ("*",)),
}
"""Ready choices of the page and command line; a key stores the scopes written out, never the preset's name."""

DEFAULT_PRESET = "standard"


def holds(held: Iterable[str], wanted: str) -> bool:
    """Whether ``held`` contains ``wanted``; a wildcard is contained only in the same or a wider wildcard."""
    resource = wanted.partition(":")[0]
    return any(scope in ("*", wanted, f"{resource}:*") for scope in held)


def holds_all(held: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether ``held`` contains every scope of ``wanted``."""
    kept = tuple(held)
    return all(holds(kept, scope) for scope in wanted)


def parse_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """The scopes sorted, without repetition. Raises ``Invalid`` for an empty list or a scope that does not exist."""
    unique = sorted(set(scopes))
    if not unique:
        raise Invalid(Problem("scopes", "Specify at least one scope."))
    resources = {scope.partition(":")[0] for scope in SCOPES}
    wildcards = {"*"} | {f"{resource}:*" for resource in resources}
    for scope in unique:
        if scope not in SCOPES and scope not in wildcards:
            raise Invalid(Problem("scopes", f"Unknown scope. Valid scopes: {list_scope_names()}."))
    return ("*",) if "*" in unique else tuple(unique)


def list_scope_names() -> str:
    """Every valid scope, for people; those that differ only in the provider are listed once."""
    plain = [scope for scope in SCOPES if not scope.startswith(("ai:", "ai-account:"))]
    return ", ".join([*plain, "ai:PROVIDER", "ai-account:PROVIDER", "RESOURCE:*"]) + " or *"


def preset_of(scopes: tuple[str, ...]) -> str:
    """The name for people: a preset's name, or the scopes themselves."""
    for label, listed in PRESETS.values():
        if set(listed) == set(scopes):
            return label
    return ", ".join(scopes)
