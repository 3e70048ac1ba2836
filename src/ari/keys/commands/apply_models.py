"""Make keys and consumers have the AI models that a configuration says."""

from collections.abc import Iterator, Mapping
from typing import Any

from ari.base.errors import Invalid, NotFound, Problem
from ari.base.ids import is_id
from ari.keys import granting
from ari.keys.commands.apply import AppliedChange, compare_entries, locate
from ari.keys.commands.change import KeyChange, change
from ari.keys.commands.consumers import ConsumerChange, change_consumer, get_consumer
from ari.keys.listing import Cursor, KeyFilter, KeyListTransaction, Order
from ari.keys.model import ApiKey
from ari.keys.model_rules import ModelRules, describe_model_rules
from ari.keys.names import fold_name
from ari.keys.queries import get

_PAGE = 200
_NEWEST_FIRST = Order("created", descending=True)
Wanted = Mapping[str, Mapping[str, tuple[str, ...]]]


def apply_key_models(tx: KeyListTransaction, wanted: Wanted) -> Iterator[AppliedChange]:
    """Set the models of these keys, by ID or by the name of one active key; empty lists allow all.

    Raises ``Invalid`` with the path of the entry, ``Conflict`` for an inactive key, ``Forbidden`` and
    ``ReauthRequired``.
    """
    granting.require_within(tx.caller, ("keys:write",), "A key needs the scope keys:write to change models of keys.")
    for reference, models in wanted.items():
        with locate(f"key_models.{reference}"):
            before = _find_key(tx, reference)
            after = change(tx, before.id, KeyChange(models=models))
        yield from _compare("key models", reference, before.policy.models, after.policy.models)


def apply_consumer_models(tx: KeyListTransaction, wanted: Wanted) -> Iterator[AppliedChange]:
    """Set the models of these consumers, by name, ID or external ID. Raises like ``apply_key_models``."""
    scope = "consumers:write"
    granting.require_within(tx.caller, (scope,), f"A key needs the scope {scope} to change models of consumers.")
    for reference, models in wanted.items():
        with locate(f"consumer_models.{reference}"):
            try:
                before = get_consumer(tx, reference)
            except NotFound as error:
                raise Invalid(Problem("name", str(error))) from None
            after = change_consumer(tx, before.id, ConsumerChange(models=models))
        yield from _compare("consumer models", reference, before.policy.models, after.policy.models)


def _find_key(tx: KeyListTransaction, reference: str) -> ApiKey:
    if is_id("key", reference):
        try:
            return get(tx, reference)
        except NotFound as error:
            raise Invalid(Problem("name", str(error))) from None
    named = [key for key in _list_similar(tx, reference) if fold_name(key.name) == fold_name(reference)]
    if len(named) > 1:
        raise Invalid(Problem("name", "Several active keys have this name. Use the ID."))
    if not named:
        raise Invalid(Problem("name", "No active key has this name or ID."))
    return named[0]


def _list_similar(tx: KeyListTransaction, name: str) -> Iterator[ApiKey]:
    where, after = KeyFilter(tx.now_ms, text=name, activity="active"), None
    while page := tx.listing.run(where, _NEWEST_FIRST, after, _PAGE):
        yield from page
        after = Cursor(None, page[-1].id)


def _compare(kind: str, name: str, before: ModelRules, after: ModelRules) -> Iterator[AppliedChange]:
    entries: list[dict[str, Any]] = [{name: describe_model_rules(rules)} if rules else {} for rules in (before, after)]
    yield from compare_entries(kind, *entries)
