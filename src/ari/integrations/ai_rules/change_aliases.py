"""Replace the aliases of models."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ari.base.errors import Invalid, NotFound, Problem
from ari.integrations.ai_rules.aliases import check_alias_name, parse_aliases
from ari.integrations.ai_rules.model import AiRulesTransaction
from ari.integrations.ai_rules.replace_part import replace_part
from ari.integrations.upstreams import UpstreamTransaction

_MAX_NAMED = 50
"""In an event, with their models before and after: less than half of ``MAX_PART_BYTES`` each."""


class AliasTransaction(AiRulesTransaction, UpstreamTransaction, Protocol):
    """One transaction over the rules, named upstreams and events."""


def get_aliases(tx: AiRulesTransaction) -> dict[str, tuple[str, ...]]:
    """The targets of each alias, by name."""
    return tx.ai_rules.get().aliases.aliases


def set_aliases(tx: AliasTransaction, given: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Replace all aliases. Raises ``Invalid``, ``ReauthRequired``.

    An alias gives nobody access: its models are checked as if the caller had named them. An upstream that is gone, or
    a model with which the provider chooses another, may stay in the aliases that have it.
    """
    before = get_aliases(tx)
    used = {target.partition("/")[0] for targets in before.values() for target in targets}
    after = parse_aliases(given, used.union(one.name for one in tx.upstreams.all()), before)
    changed = sorted(name for name in {*before, *after.aliases} if before.get(name) != after.aliases.get(name))
    named = changed[:_MAX_NAMED]
    ends = {"from": _choose(before, named), "to": _choose(after.aliases, named)}
    replace_part(tx, "aliases", after, {**ends, "count": len(changed)})
    return after.aliases


def _choose(aliases: Mapping[str, tuple[str, ...]], names: Sequence[str]) -> dict[str, list[str]]:
    return {name: list(aliases[name]) for name in names if name in aliases}


def save_alias(tx: AliasTransaction, name: str, targets: Sequence[str], *, is_new: bool) -> None:
    """Add an alias, or change the targets of one. Raises ``Invalid`` for ``name`` or ``targets``, ``NotFound`` for one
    to change that is gone, and ``ReauthRequired``."""
    present = get_aliases(tx)
    if is_new:
        check_alias_name(name, "name")
        if name in present:
            raise Invalid(Problem("name", "There is an alias with this name. Edit it instead."))
    elif name not in present:
        raise NotFound("There is no such alias.")
    try:
        set_aliases(tx, {**present, name: targets})
    except Invalid as error:
        raise Invalid(*(Problem("targets", one.message) for one in error.problems)) from None


def remove_alias(tx: AliasTransaction, name: str) -> None:
    """Remove an alias. Raises ``NotFound`` and ``ReauthRequired``."""
    present = get_aliases(tx)
    if name not in present:
        raise NotFound("There is no such alias.")
    set_aliases(tx, {other: targets for other, targets in present.items() if other != name})
