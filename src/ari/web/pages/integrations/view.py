"""What Settings > Integrations shows, read in one go: a card for each provider in use, a line for each other."""

from dataclasses import dataclass

from ari.base.clock import DAY_MS, HOUR_MS
from ari.integrations.credentials import states
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.model import Outcome, Provider, State
from ari.storage.transaction import Transaction
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
"""What a test tells, in words."""


@dataclass(frozen=True, slots=True)
class Board:
    """``used`` are configured, those that fail first; ``names`` are those of the keys that added one, by id."""

    used: list[State]
    unused: list[State]
    names: dict[str, str]


def board(unit: Transaction, environment: ProviderEnvironment) -> Board:
    """How every provider stands."""
    found = states(unit, environment)
    used = sorted((one for one in found if one.name != "not_configured"), key=lambda one: one.name != "failing")
    names = {}
    for actor in sorted({one.stored.added_by or "" for one in used if one.stored}):
        acting = unit.keys.tombstone(actor) if actor.startswith("key_") else None
        if acting is not None:
            names[actor] = acting.name
    return Board(used, [one for one in found if one.name == "not_configured"], names)


@dataclass(frozen=True, slots=True)
class Usage:
    """What went through the gateway: ``sums`` of the last ``USE_DAYS`` days and the last time ever, by provider."""

    sums: dict[str, AiSums]
    last_at_ms: dict[str, int]


def usage(reader: UsageReader, now_ms: int) -> Usage:
    """Read from what is counted by the hour."""
    until_ms = now_ms - now_ms % HOUR_MS + HOUR_MS
    found = reader.ai_counts("provider", AiSpan(until_ms - USE_DAYS * DAY_MS, until_ms))
    return Usage({one.provider: one.sums for one in found}, reader.ai_last_used())


def badge_of(state: State) -> Badge:
    """How it stands, in words."""
    if state.name == "not_configured":
        return Badge("off", "Not configured")
    return Badge("bad", "Failing") if state.name == "failing" else Badge("good", "Configured")


def mark_of(provider: Provider) -> str:
    """Two letters that stand for the provider."""
    capitals = "".join(letter for letter in provider.title if letter.isupper())
    return capitals[:2] if provider.title[0].isupper() and len(capitals) > 1 else provider.title[:2].capitalize()


def address_shown(base_url: str) -> str:
    """An address without the scheme that goes without saying."""
    return base_url.removeprefix("https://")


def takes_address(provider: Provider) -> bool:
    """Whether the owner may say where the provider is."""
    return provider.base_url_variable is not None or provider.base_url is None
