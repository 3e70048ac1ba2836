"""Scopes ``resource:action``, with ``*`` for every scope or for every action of a resource."""

import re
from collections.abc import Collection, Iterable, Sequence

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
    "scopes:read": "List scopes and presets.",
    "scopes:write": "Declare, change and remove scopes of your own API, and change presets.",
    "kinds:write": "Add, change and remove kinds of keys.",
    "consumers:read": "List consumers and read their details.",
    "consumers:write": "Create, change and delete consumers.",
    "notifications:read": "Read notification settings and the delivery history.",
    "notifications:write": "Turn notifications on or off, and send a test email.",
    "webhooks:read": "List webhooks and their deliveries, without their secrets.",
    "webhooks:write": "Add, change, test, replay and remove webhooks. Also needs keys:read to choose what they get.",
    "usage:read": "Read the usage log of every key.",
    "audit:read": "Read the whole audit log as a stream, for a collector, also events that aren't about keys.",
    "metrics:read": "Read the metrics of this instance, for monitoring.",
    "integrations:read": "List integrations and read their status, without their keys.",
    "integrations:write": "Add, replace, test and remove provider keys.",
    **{f"ai:{name}": f"Use {title} through the AI gateway." for name, title in AI_PROVIDERS.items()},
    **{
        f"ai-account:{name}": f"Use every other endpoint of {title} through the AI gateway, such as files and jobs."
        for name, title in AI_PROVIDERS.items()
    },
}

RESOURCES = frozenset(scope.partition(":")[0] for scope in SCOPES)
RESERVED_RESOURCES = RESOURCES | {"ari", "consumers", "kinds", "leaks", "limits", "policy"}
"""Resources that no custom scope may have. If a later version of ARI brings a scope, no key holds it already."""
RESERVED_PREFIX = "ari-"

MAX_NAMED = 10
"""The unknown scopes that an error names."""
_PLAIN = re.compile(r"[a-z][a-z_-]{0,30}:(\*|[a-z][a-z_-]{0,30})")
HOW_TO_DECLARE = "Declare scopes of your own API in Settings > API > Scopes, or with ari scopes add."


def holds(held: Iterable[str], wanted: str) -> bool:
    """Whether ``held`` contains ``wanted``; a wildcard is contained only in the same or a wider wildcard."""
    resource = wanted.partition(":")[0]
    return any(scope in ("*", wanted, f"{resource}:*") for scope in held)


def holds_all(held: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether ``held`` contains every scope of ``wanted``."""
    kept = tuple(held)
    return all(holds(kept, scope) for scope in wanted)


def is_of_gateway(scope: str) -> bool:
    """Whether this reaches a provider or a named upstream. The scopes of an upstream come and go with it."""
    return scope.startswith(("ai:", "ai-account:"))


def is_declared(scope: str, custom: Collection[str]) -> bool:
    """Whether this is one of ARI's scopes, one of the ``custom`` ones, or a wildcard that covers at least one."""
    if scope == "*" or scope in SCOPES or scope in custom:
        return True
    resource, _, action = scope.partition(":")
    return action == "*" and (resource in RESOURCES or any(one.startswith(f"{resource}:") for one in custom))


def find_not_built_in(scopes: Iterable[str]) -> list[str]:
    """Those that aren't ARI's own: whether they are declared, only the store knows."""
    return [scope for scope in scopes if not is_declared(scope, ())]


def parse_scopes(scopes: Iterable[str], custom: Collection[str] = ()) -> tuple[str, ...]:
    """The scopes sorted, without repetition; ``custom`` are the declared ones.

    Raises ``Invalid`` for an empty list or a scope that isn't declared.
    """
    unique = sorted(set(scopes))
    if not unique:
        raise Invalid(Problem("scopes", "Specify at least one scope."))
    unknown = [scope for scope in unique if not is_declared(scope, custom)]
    if unknown:
        raise Invalid(Problem("scopes", _describe_unknown(unknown)))
    return ("*",) if "*" in unique else tuple(unique)


def _describe_unknown(unknown: Sequence[str]) -> str:
    """A sentence that names the unknown scopes, except any that may be a secret pasted by mistake (security.md 7)."""
    plain = [f"“{scope}”" for scope in unknown if _PLAIN.fullmatch(scope)][:MAX_NAMED]
    named = f"Unknown scope{'' if len(unknown) == 1 else 's'}{' ' if plain else ''}{', '.join(plain)}."
    return f"{named} {HOW_TO_DECLARE} ARI's scopes: {list_scope_names()}; yours: ari scopes list."


def list_scope_names() -> str:
    """Every valid scope, for people; those that differ only in the provider are listed once."""
    plain = [scope for scope in SCOPES if not scope.startswith(("ai:", "ai-account:"))]
    return ", ".join([*plain, "ai:PROVIDER", "ai-account:PROVIDER", "RESOURCE:*"]) + " or *"
