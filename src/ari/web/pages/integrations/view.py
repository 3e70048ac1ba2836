"""What Settings > Integrations shows: a card for each configured provider, a line for each other."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from ari.base.clock import DAY_MS, HOUR_MS
from ari.integrations.credentials import states
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.facts import FindRest, describe_unused_keys, provider_key_facts
from ari.integrations.model import Outcome, Provider, State
from ari.integrations.ports import IntegrationTransaction
from ari.integrations.providers import providers
from ari.keys.ports import KeyTransaction
from ari.usage.ai import AiSpan, AiSums
from ari.usage.ports import UsageReader
from ari.web.words import Badge

USE_DAYS = 7

OUTCOMES: dict[Outcome, str] = {
    "works": "Works",
    "restricted": "Valid, but restricted",
    "rejected": "Rejected",
    "unreachable": "Unreachable",
}
"""Results of a test."""


class StatesTransaction(IntegrationTransaction, KeyTransaction, Protocol):
    """One transaction over integrations and keys."""


@dataclass(frozen=True, slots=True)
class ProviderStates:
    """``configured`` lists failing providers first; ``key_names`` names the API keys that added one, by id."""

    configured: list[State]
    other: list[State]
    key_names: dict[str, str]


def read_states(tx: StatesTransaction, environment: ProviderEnvironment) -> ProviderStates:
    """Read the state of every provider."""
    found = states(tx, environment)
    configured = sorted((one for one in found if one.name != "not_configured"), key=lambda one: one.name != "failing")
    key_names = {}
    for actor in sorted({key.added_by for one in configured for key in one.keys}):
        acting = tx.keys.tombstone(actor) if actor.startswith("key_") else None
        if acting is not None:
            key_names[actor] = acting.name
    return ProviderStates(configured, [one for one in found if one.name == "not_configured"], key_names)


@dataclass(frozen=True, slots=True)
class ProviderUsage:
    """Use of the AI gateway by provider: ``sums`` of the last ``USE_DAYS`` days, and when it was last used."""

    sums: dict[str, AiSums]
    last_at_ms: dict[str, int]


def read_usage(reader: UsageReader, now_ms: int) -> ProviderUsage:
    """Read the hourly counts."""
    until_ms = now_ms - now_ms % HOUR_MS + HOUR_MS
    found = reader.ai_counts("provider", AiSpan(until_ms - USE_DAYS * DAY_MS, until_ms))
    return ProviderUsage({one.provider: one.sums for one in found}, reader.ai_last_used())


def badge_of(state: State, find_rest: FindRest) -> Badge:
    """The provider's status; of one that works, how many of its keys don't."""
    if state.name == "not_configured":
        return Badge("off", "Not configured")
    if state.name == "failing":
        return Badge("bad", "Failing")
    keys = [provider_key_facts(one, find_rest(one)) for one in state.keys] if state.source == "stored" else []
    unused = describe_unused_keys(keys)
    return Badge("soon", unused) if unused else Badge("good", "Configured")


def initials_of(provider: Provider) -> str:
    """Two letters as the provider's logo: of its first two words, or of its only one."""
    first, *others = re.split("[ -]+", provider.title)
    if others:
        return (first[:1] + others[0][:1]).upper()
    capitals = "".join(letter for letter in provider.title if letter.isupper())
    return capitals[:2] if provider.title[0].isupper() and len(capitals) > 1 else provider.title[:2].capitalize()


def list_addable(others: Iterable[State]) -> list[State]:
    """AI providers that can be set up.

    Pages add OpenAI-compatible services under names of their own, so the one without a name is listed only if it is
    set up in part, such as by its environment variable.
    """
    return [
        one
        for one in others
        if one.provider.is_ai and (one.provider.name != "openai_compatible" or one.problem or one.base_url or one.keys)
    ]


def is_upstream(provider: Provider) -> bool:
    """Whether this is a named upstream."""
    return provider.name not in providers()


def shorten_url(base_url: str) -> str:
    """A URL without ``https://``."""
    return base_url.removeprefix("https://")


def has_own_base_url(provider: Provider) -> bool:
    """Whether the owner can set the provider's base URL."""
    return provider.base_url_variable is not None or provider.base_url is None
