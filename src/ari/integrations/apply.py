"""Make an instance have what a configuration says, its rules for AI requests included, in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from ari.base.errors import Invalid, Problem
from ari.integrations.ai_rules.change_aliases import get_aliases, set_aliases
from ari.integrations.ai_rules.model import AiRulesTransaction
from ari.keys import granting
from ari.keys.commands.apply import Action, AppliedChange, apply
from ari.keys.configuration import Configuration
from ari.keys.ports import KeyTransaction


class ConfigurationTransaction(KeyTransaction, AiRulesTransaction, Protocol):
    """One transaction over everything that a configuration has."""


def apply_all(
    tx: ConfigurationTransaction, wanted: Configuration, prune: bool = False, force: bool = False
) -> list[AppliedChange]:
    """Like ``keys.commands.apply``, with the rules for AI requests. Raises what it raises."""
    changes = apply(tx, wanted, prune, force)
    if wanted.model_aliases is not None:
        changes += _apply_aliases(tx, wanted.model_aliases, prune)
    return changes


def _apply_aliases(
    tx: ConfigurationTransaction, wanted: Mapping[str, Sequence[str]], prune: bool
) -> Iterator[AppliedChange]:
    scope = "integrations:write"
    granting.require_within(tx.caller, (scope,), f"A key needs the scope {scope} to change aliases of models.")
    before = get_aliases(tx)
    try:
        after = set_aliases(tx, wanted if prune else {**before, **wanted})
    except Invalid as error:
        raise Invalid(*(Problem("model_aliases", one.message) for one in error.problems)) from None
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            action: Action = "add" if name not in before else "change" if name in after else "remove"
            yield AppliedChange(action, "model alias", name)
