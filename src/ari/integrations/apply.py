"""Make an instance have what a configuration says, its rules for AI requests included, in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from ari.base.errors import Invalid, Problem
from ari.integrations.ai_rules.change_aliases import AliasTransaction, get_aliases, set_aliases
from ari.integrations.ai_rules.change_prices import set_prices
from ari.integrations.ai_rules.price_fields import describe_price_rules
from ari.integrations.ai_rules.prices import PriceRules
from ari.integrations.ai_rules.replace_part import get_ai_rules
from ari.keys import granting
from ari.keys.commands.apply import Action, AppliedChange, apply
from ari.keys.configuration import Configuration
from ari.keys.ports import KeyTransaction

_SCOPE = "integrations:write"


class ConfigurationTransaction(KeyTransaction, AliasTransaction, Protocol):
    """One transaction over everything that a configuration has."""


def apply_all(
    tx: ConfigurationTransaction, wanted: Configuration, prune: bool = False, force: bool = False
) -> list[AppliedChange]:
    """Like ``keys.commands.apply``, with the rules for AI requests. Raises what it raises."""
    changes = apply(tx, wanted, prune, force)
    if wanted.model_aliases is not None:
        changes += _apply_aliases(tx, wanted.model_aliases, prune)
    if wanted.model_prices is not None or wanted.model_discounts is not None:
        changes += _apply_prices(tx, wanted, prune)
    return changes


def _apply_aliases(
    tx: ConfigurationTransaction, wanted: Mapping[str, Sequence[str]], prune: bool
) -> Iterator[AppliedChange]:
    granting.require_within(tx.caller, (_SCOPE,), f"A key needs the scope {_SCOPE} to change aliases of models.")
    before = get_aliases(tx)
    try:
        after = set_aliases(tx, wanted if prune else {**before, **wanted})
    except Invalid as error:
        raise Invalid(*(Problem("model_aliases", one.message) for one in error.problems)) from None
    yield from _compare("model alias", before, after)


def _apply_prices(tx: ConfigurationTransaction, wanted: Configuration, prune: bool) -> Iterator[AppliedChange]:
    granting.require_within(tx.caller, (_SCOPE,), f"A key needs the scope {_SCOPE} to change prices of models.")
    before = _read_prices(get_ai_rules(tx).prices)
    prices = _merge(before[0], wanted.model_prices, prune)
    discounts = _merge(before[1], wanted.model_discounts, prune)
    try:
        rules = set_prices(
            tx,
            {
                "prices": [{**fields, "model": model} for model, fields in prices.items()],
                "discounts": [{"model": model, "percent": percent} for model, percent in discounts.items()],
            },
        )
    except Invalid as error:
        names = {"prices": [*prices], "discounts": [*discounts]}
        raise Invalid(*(Problem(_locate(one.location, names), one.message) for one in error.problems)) from None
    for kind, old, new in zip(("model price", "model discount"), before, _read_prices(rules), strict=True):
        yield from _compare(kind, old, new)


def _merge(before: Mapping[str, Any], wanted: Mapping[str, Any] | None, prune: bool) -> dict[str, Any]:
    if wanted is None:
        return dict(before)
    return dict(wanted) if prune else {**before, **wanted}


def _read_prices(rules: PriceRules) -> tuple[dict[str, Any], dict[str, Any]]:
    """The prices and the discounts by pattern, as a configuration has them."""
    facts = describe_price_rules(rules)
    prices = {
        one["model"]: {name: value for name, value in one.items() if name != "model" and value is not None}
        for one in facts["prices"]
    }
    return prices, {one["model"]: one["percent"] for one in facts["discounts"]}


def _locate(location: str, names: Mapping[str, list[str]]) -> str:
    """The place in the configuration: ``prices.0.input_usd`` is ``model_prices.openai/gpt-5*.input_usd``."""
    section, _, rest = location.partition(".")
    number, _, field = rest.partition(".")
    name = names[section][int(number)] if number else ""
    return ".".join(filter(None, (f"model_{section}", name, field)))


def _compare(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[AppliedChange]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            action: Action = "add" if name not in before else "change" if name in after else "remove"
            yield AppliedChange(action, kind, name)
