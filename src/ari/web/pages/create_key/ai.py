"""The providers that the form for a new key offers, and their scopes."""

from collections.abc import Sequence
from dataclasses import dataclass

from ari.base.errors import Invalid, Problem
from ari.integrations.credentials import states
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.ports import IntegrationTransaction

FIELD = "ai"


@dataclass(frozen=True, slots=True)
class AiChoice:
    """One provider's checkbox."""

    name: str
    title: str
    configured: bool
    ticked: bool


def ai_choices(
    tx: IntegrationTransaction, environment: ProviderEnvironment, ticked: Sequence[str] | None
) -> list[AiChoice]:
    """The providers, configured ones first. Without a selection, those are selected, or all if none is configured."""
    found = [one for one in states(tx, environment) if one.provider.is_ai]
    configured = {one.provider.name for one in found if one.name != "not_configured"}
    chosen = set(ticked) if ticked is not None else configured or {one.provider.name for one in found}
    choices = [
        AiChoice(name, one.provider.title, name in configured, name in chosen)
        for one in found
        for name in (one.provider.name,)
    ]
    return sorted(choices, key=lambda one: not one.configured)


def ai_scopes(ticked: Sequence[str]) -> tuple[str, ...]:
    """The scopes of the selected providers; the command refuses unknown ones. Raises ``Invalid``."""
    if not ticked:
        raise Invalid(Problem(FIELD, "Select at least one provider."))
    return tuple(f"ai:{name}" for name in sorted(set(ticked)))
