"""Which providers of the AI gateway a new key may use: what the form offers and what it asks for."""

from collections.abc import Sequence
from dataclasses import dataclass

from ari.base.errors import Invalid, Problem
from ari.integrations.credentials import states
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.ports import IntegrationTransaction

PRESET = "ai-gateway"
FIELD = "ai"


@dataclass(frozen=True, slots=True)
class AiChoice:
    """One provider to tick."""

    name: str
    title: str
    configured: bool
    ticked: bool


def ai_choices(
    tx: IntegrationTransaction, environment: ProviderEnvironment, ticked: Sequence[str] | None
) -> list[AiChoice]:
    """The providers, configured ones first. Where nothing was ticked those are, or all if there are none."""
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
    """The scopes of the ticked providers; unknown ones are for the command to refuse. Raises ``Invalid``."""
    if not ticked:
        raise Invalid(Problem(FIELD, "Select at least one provider."))
    return tuple(f"ai:{name}" for name in sorted(set(ticked)))
