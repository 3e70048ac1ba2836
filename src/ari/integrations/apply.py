"""Make an instance have what a configuration says, its rules for AI requests included, in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from ari.base.addresses import NO_ADDRESSES, AddressList
from ari.base.errors import Invalid, Problem
from ari.integrations.ai_rules.change_aliases import AliasTransaction, get_aliases, set_aliases
from ari.integrations.ai_rules.change_prices import set_prices
from ari.integrations.ai_rules.price_fields import describe_price_rules
from ari.integrations.ai_rules.prices import PriceRules
from ari.integrations.ai_rules.replace_part import get_ai_rules
from ari.integrations.apply_budgets import apply_budgets
from ari.integrations.apply_upstreams import apply_upstreams, prune_upstreams
from ari.integrations.ports import IntegrationTransaction
from ari.keys import granting
from ari.keys.commands.apply import AppliedChange, apply, compare_entries
from ari.keys.commands.apply_models import apply_consumer_models, apply_key_models
from ari.keys.configuration import Configuration
from ari.keys.listing import KeyListTransaction

_SCOPE = "integrations:write"


class ConfigurationTransaction(KeyListTransaction, AliasTransaction, IntegrationTransaction, Protocol):
    """One transaction over everything that a configuration has."""


def apply_all(
    tx: ConfigurationTransaction,
    wanted: Configuration,
    prune: bool = False,
    force: bool = False,
    listed: AddressList = NO_ADDRESSES,
) -> list[AppliedChange]:
    """Like ``keys.commands.apply``, with upstreams and the rules for AI requests. Raises what it raises.

    ``listed`` are the private addresses that base URLs may have. New upstreams come first and are pruned last, since
    other sections name them.
    """
    changes = [*apply_upstreams(tx, wanted.upstreams, force, listed)] if wanted.upstreams is not None else []
    changes += apply(tx, wanted, prune, force)
    if wanted.model_aliases is not None:
        changes += _apply_aliases(tx, wanted.model_aliases, prune)
    if wanted.model_prices is not None or wanted.model_discounts is not None:
        changes += _apply_prices(tx, wanted, prune)
    if wanted.instance_budgets is not None or wanted.provider_budgets is not None:
        changes += apply_budgets(tx, wanted.instance_budgets, wanted.provider_budgets, prune)
    if wanted.consumer_models is not None:
        changes += apply_consumer_models(tx, wanted.consumer_models)
    if wanted.key_models is not None:
        changes += apply_key_models(tx, wanted.key_models)
    if prune and wanted.upstreams is not None:
        changes += prune_upstreams(tx, wanted.upstreams, force)
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
    yield from compare_entries("model alias", _name_values("models", before), _name_values("models", after))


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
    after = _read_prices(rules)
    yield from compare_entries("model price", before[0], after[0])
    yield from compare_entries("model discount", *(_name_values("percent", one[1]) for one in (before, after)))


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


def _name_values(field: str, entries: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: {field: value} for name, value in entries.items()}


def _locate(location: str, names: Mapping[str, list[str]]) -> str:
    """The place in the configuration: ``prices.0.input_usd`` is ``model_prices.openai/gpt-5*.input_usd``."""
    section, _, rest = location.partition(".")
    number, _, field = rest.partition(".")
    name = names[section][int(number)] if number else ""
    return ".".join(filter(None, (f"model_{section}", name, field)))
