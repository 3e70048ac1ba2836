"""What a key may do: scopes ``resource:action``, with ``*`` for every scope or for every action of a resource."""

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
    "api:read": "Read the API's description (OpenAPI) and documentation.",
    "keys:read": "List API keys and read their details and events.",
    "keys:verify": "Ask, for another service, whether an API key is good.",
    "keys:write": "Create, change, revoke and delete API keys.",
    "notifications:read": "Read which notifications are on, and what became of their mails.",
    "notifications:write": "Switch notifications on and off, and send a test mail.",
    "usage:read": "Read the usage log of every key.",
    "integrations:read": "List the integrations and read how they do, without their keys.",
    "integrations:write": "Add, replace, test and remove provider keys.",
    **{f"ai:{name}": f"Use {title} through the AI gateway." for name, title in AI_PROVIDERS.items()},
    **{
        f"ai-account:{name}": f"Reach the rest of {title} through the AI gateway: files, jobs, whatever its key may do."
        for name, title in AI_PROVIDERS.items()
    },
}

PRESETS = {
    "standard": ("Standard", ("api:read",)),
    "read-only": ("Read only", ("api:read", "keys:read", "usage:read")),
    "ai-gateway": ("AI gateway", tuple(f"ai:{name}" for name in AI_PROVIDERS)),
    "administrator": ("Administrator", ("*",)),
}
"""Ready choices of the page and command line; a key stores the scopes written out, never the preset's name."""

DEFAULT_PRESET = "standard"


def holds(held: Iterable[str], wanted: str) -> bool:
    """Whether ``held`` contains ``wanted``; a wildcard is contained only in the same or a wider wildcard."""
    resource = wanted.partition(":")[0]
    return any(scope in ("*", wanted, f"{resource}:*") for scope in held)


def all_held(held: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether ``held`` contains every scope of ``wanted``."""
    kept = tuple(held)
    return all(holds(kept, scope) for scope in wanted)


def validated(scopes: Iterable[str]) -> tuple[str, ...]:
    """The scopes sorted, without repetition. Raises ``Invalid`` for an empty list or a scope that does not exist."""
    unique = sorted(set(scopes))
    if not unique:
        raise Invalid(Problem("scopes", "Give at least one scope."))
    resources = {scope.partition(":")[0] for scope in SCOPES}
    wildcards = {"*"} | {f"{resource}:*" for resource in resources}
    for scope in unique:
        if scope not in SCOPES and scope not in wildcards:
            raise Invalid(Problem("scopes", f"A scope is not known. Known are {known_scopes()}."))
    return ("*",) if "*" in unique else tuple(unique)


def known_scopes() -> str:
    """What may be given as a scope, for people; those that differ by the provider alone are told once."""
    plain = [scope for scope in SCOPES if not scope.startswith(("ai:", "ai-account:"))]
    return ", ".join([*plain, "ai:PROVIDER", "ai-account:PROVIDER", "a resource with :*"]) + ", and * alone"


def preset_of(scopes: tuple[str, ...]) -> str:
    """The name for people: a preset's name, or the scopes themselves."""
    for label, listed in PRESETS.values():
        if set(listed) == set(scopes):
            return label
    return ", ".join(scopes)
