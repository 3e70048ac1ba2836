"""Create, change, delete and read consumers: those whom keys belong to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ari.base.errors import Conflict, Invalid, NotFound, Problem
from ari.base.ids import is_id, new_id
from ari.base.problems import Problems
from ari.base.transaction import record
from ari.keys.assignment_checks import require_may_assign, require_may_manage_consumers
from ari.keys.granting import require_may_limit
from ari.keys.limits import budget_changes, changes
from ari.keys.limits.budget_fields import describe_budget, parse_budgets
from ari.keys.limits.fields import describe_credits, describe_limit, parse_limits
from ari.keys.limits.rule_facts import describe_rules
from ari.keys.limits.rules import NO_RULES, LimitRules
from ari.keys.model import ApiKey, Consumer
from ari.keys.model_rules import (
    NO_MODEL_RULES,
    covers_models,
    describe_model_rules,
    describe_optional_model_rules,
    parse_model_rules,
)
from ari.keys.names import parse_name
from ari.keys.ownership import metadata_facts, parse_external_id, parse_metadata
from ari.keys.ports import KeyTransaction
from ari.keys.unset import UNSET, Unset

TAKEN = "Another consumer has this external ID."


@dataclass(frozen=True, slots=True)
class NewConsumer:
    """The properties of a consumer to create; ``external_id`` is the operator's own id of it."""

    name: str
    external_id: str | None = None
    metadata: Mapping[str, Any] | None = None
    limits: Sequence[Mapping[str, Any]] = ()
    credits: Mapping[str, Any] | None = None
    models: Mapping[str, Sequence[str]] | None = None
    budgets: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class ConsumerChange:
    """New values; ``UNSET`` leaves a field as it is.

    ``limits`` and ``budgets`` replace all; ``None`` removes credits or rules for models.
    """

    name: str | Unset = UNSET
    external_id: str | Unset | None = UNSET
    metadata: Mapping[str, Any] | Unset | None = UNSET
    limits: Sequence[Mapping[str, Any]] | Unset = UNSET
    credits: Mapping[str, Any] | Unset | None = UNSET
    models: Mapping[str, Sequence[str]] | Unset | None = UNSET
    budgets: Sequence[Mapping[str, Any]] | Unset = UNSET


def create_consumer(tx: KeyTransaction, new: NewConsumer, found: Iterable[Problem] = ()) -> Consumer:
    """Raises ``Forbidden``, ``Conflict("consumer_exists")`` for an external ID that another has, or ``Invalid`` with
    the problems of all fields; ``found`` are those that the caller saw already."""
    require_may_manage_consumers(tx)
    problems = Problems(found)
    consumer = Consumer(
        id=new_id("con", tx.now_ms),
        name=problems.check("", parse_name, new.name),
        external_id=problems.check(None, parse_external_id, new.external_id),
        metadata=problems.check(None, parse_metadata, new.metadata),
        created_at_ms=tx.now_ms,
        created_by=tx.caller.actor,
    )
    consumer = consumer.with_rules(_apply_rules(problems, NO_RULES, new, tx.now_ms))
    consumer = consumer.with_models(problems.check(NO_MODEL_RULES, parse_model_rules, new.models))
    problems.raise_found()
    if consumer.policy.limits or consumer.policy.models:
        require_may_limit(tx, consumer.id, loosens=False)
    _require_free(tx, consumer)
    tx.consumers.add(consumer)
    detail: dict[str, Any] = {"name": consumer.name, "external_id": consumer.external_id}
    if consumer.policy.models:
        detail["models"] = describe_model_rules(consumer.policy.models)
    record(tx, "consumer_created", consumer.id, detail | describe_rules(consumer.policy.limits))
    return consumer


def change_consumer(
    tx: KeyTransaction, reference: str, wanted: ConsumerChange, found: Iterable[Problem] = ()
) -> Consumer:
    """Rename, or change the external ID, the metadata, the limits or the models; events with what differs.

    Raises like ``create_consumer``, ``NotFound``, and ``ReauthRequired`` for looser limits.
    """
    require_may_manage_consumers(tx)
    before = get_consumer(tx, reference)
    after, problems = before, Problems(found)
    if wanted.name is not UNSET:
        after = replace(after, name=problems.check("", parse_name, wanted.name))
    if wanted.external_id is not UNSET:
        after = replace(after, external_id=problems.check(None, parse_external_id, wanted.external_id))
    if wanted.metadata is not UNSET:
        after = replace(after, metadata=problems.check(None, parse_metadata, wanted.metadata))
    if wanted.models is not UNSET:
        after = after.with_models(problems.check(NO_MODEL_RULES, parse_model_rules, wanted.models))
    rules = _apply_rules(problems, before.policy.limits, wanted, tx.now_ms)
    problems.raise_found()
    _require_free(tx, after)
    differences = _differences(before, after)
    return _save_rules(tx, before, after.with_rules(rules), [("consumer_changed", differences)] if differences else [])


def reset_consumer_limits(tx: KeyTransaction, reference: str, names: Sequence[str] | None = None) -> Consumer:
    """Count these limits of the consumer from nothing; ``names`` ``None`` = all.

    Raises ``Invalid``, ``NotFound``, ``Forbidden``, ``ReauthRequired``, or ``Conflict`` without limits.
    """
    require_may_manage_consumers(tx)
    before = get_consumer(tx, reference)
    rules = changes.reset_limits(before.policy.limits, names)
    listed = [limit.name for limit in rules.limits if names is None or limit.name in names]
    return _save_rules(tx, before, before.with_rules(rules), [("consumer_limits_reset", {"limits": listed})], True)


def add_consumer_credits(tx: KeyTransaction, reference: str, amount: int) -> Consumer:
    """Add to the balance that the consumer's keys share. Raises like ``reset_consumer_limits``."""
    before = require_may_add_credits(tx, reference)
    granted = before.with_rules(changes.add_credits(before.policy.limits, amount))
    tx.consumers.save(granted)
    record(tx, "consumer_credits_added", granted.id, {"amount": amount})
    return granted


def require_may_add_credits(tx: KeyTransaction, reference: str) -> Consumer:
    """The consumer, if the caller may add to its credits. Raises ``NotFound``, ``Forbidden``, ``ReauthRequired``."""
    require_may_manage_consumers(tx)
    consumer = get_consumer(tx, reference)
    require_may_limit(tx, consumer.id, loosens=True, is_once=True)
    return consumer


def delete_consumer(tx: KeyTransaction, reference: str) -> None:
    """Raises ``NotFound``, ``Forbidden``, and ``Conflict("consumer_has_keys")`` while it has keys."""
    require_may_manage_consumers(tx)
    consumer = get_consumer(tx, reference)
    count = tx.consumers.count_keys(consumer.id)
    if count:
        keys = "an API key" if count == 1 else f"{count} API keys"
        raise Conflict("consumer_has_keys", f"This consumer has {keys}. Delete or move its keys first.")
    tx.consumers.remove(consumer.id)
    record(tx, "consumer_deleted", consumer.id, {"name": consumer.name, "external_id": consumer.external_id})


def get_consumer(tx: KeyTransaction, reference: str) -> Consumer:
    """The consumer with this ID or external ID. Raises ``NotFound``."""
    found = find_consumer(tx, reference)
    if found is None:
        raise NotFound("No such consumer.")
    return found


def find_consumer(tx: KeyTransaction, reference: str) -> Consumer | None:
    """The consumer with this ID or external ID, if any.

    People may also use its exact name, in any case; keys may not, since others can take a name. Raises ``Invalid`` for
    a name that fits several consumers.
    """
    if is_id("con", reference):
        return tx.consumers.get(reference)
    if not reference.isprintable():
        return None
    found = tx.consumers.find(reference) if reference.isascii() else None
    if tx.caller.key_id is not None:
        return found
    named = {one.id: one for one in (found, *tx.consumers.list_named(reference, 2)) if one is not None}
    if len(named) > 1:
        raise Invalid(Problem("consumer", "Several consumers have this name or external ID. Use the ID."))
    return next(iter(named.values()), None)


def require_consumer(tx: KeyTransaction, reference: str | None) -> Consumer | None:
    """The consumer that a new or changed key names; ``None`` for none. Raises ``Invalid``, ``Forbidden``."""
    if reference is None:
        return None
    require_may_assign(tx, reference)
    found = find_consumer(tx, reference)
    if found is None:
        raise Invalid(Problem("consumer", describe_missing(tx)))
    return found


def describe_missing(tx: KeyTransaction) -> str:
    """What to do about a reference to a consumer that doesn't exist; keys don't learn which names exist."""
    if tx.caller.key_id is not None:
        return "No such consumer. Use its ID or external ID; create it first if it's new."
    return "No such consumer. Use its name, ID or external ID; create it first if it's new."


def get_consumers(tx: KeyTransaction, text: str, before_id: str | None, limit: int) -> list[Consumer]:
    """At most ``limit`` consumers, newest first, whose name, ID or external ID contains ``text``."""
    return tx.consumers.page(text, before_id, limit)


def list_keys_of(tx: KeyTransaction, consumer_id: str, limit: int) -> list[ApiKey]:
    """The newest keys of a consumer that are not deleted."""
    return tx.consumers.list_keys(consumer_id, limit)


def count_keys_of(tx: KeyTransaction, consumer_id: str) -> int:
    """How many keys of a consumer are not deleted."""
    return tx.consumers.count_keys(consumer_id)


def limit_rules_facts(consumer: Consumer) -> dict[str, Any]:
    """The limits, credits and budgets that its keys share, and the models that they may use."""
    rules = consumer.policy.limits
    return {
        "limits": [describe_limit(limit) for limit in rules.limits],
        "credits": None if rules.credits is None else describe_credits(rules.credits),
        "budgets": [describe_budget(budget) for budget in rules.budgets],
        "models": describe_optional_model_rules(consumer.policy.models),
    }


def consumer_facts(consumer: Consumer) -> dict[str, Any]:
    """What verify and a key's JSON say about its consumer."""
    return {
        "id": consumer.id,
        "external_id": consumer.external_id,
        "name": consumer.name,
        "metadata": metadata_facts(consumer.metadata),
    }


def _apply_rules(
    problems: Problems, rules: LimitRules, wanted: NewConsumer | ConsumerChange, now_ms: int
) -> LimitRules:
    if wanted.limits is not UNSET:
        rules = changes.replace_limits(rules, problems.check((), parse_limits, wanted.limits))
    if wanted.budgets is not UNSET:
        rules = budget_changes.replace_budgets(rules, problems.check((), parse_budgets, wanted.budgets))
    granted = wanted.credits
    if granted is UNSET or (granted is None and isinstance(wanted, NewConsumer)):
        return rules
    return problems.check(rules, changes.replace_credits, rules, granted, now_ms)


def _save_rules(
    tx: KeyTransaction,
    before: Consumer,
    after: Consumer,
    happened: list[tuple[str, dict[str, Any]]],
    is_once: bool = False,
) -> Consumer:
    """Save the consumer, if it differs, with these events and those of its limits and models.

    ``is_once`` is that of ``granting.require_grant``.
    """
    if after == before:
        return before
    old, new = before.policy, after.policy
    if old != new:
        loosens = changes.loosens(old.limits, new.limits) or not covers_models(old.models, new.models)
        require_may_limit(tx, before.id, loosens=loosens, is_once=is_once)
    tx.consumers.save(after)
    happened = happened + changes.list_changes("consumer", old.limits, new.limits)
    if old.models != new.models:
        ends = {"from": describe_model_rules(old.models), "to": describe_model_rules(new.models)}
        happened.append(("consumer_models_changed", ends))
    for name, detail in happened:
        record(tx, name, after.id, detail)
    return after


def _require_free(tx: KeyTransaction, consumer: Consumer) -> None:
    other = None if consumer.external_id is None else tx.consumers.find(consumer.external_id)
    if other is not None and other.id != consumer.id:
        raise Conflict("consumer_exists", TAKEN)


def _differences(before: Consumer, after: Consumer) -> dict[str, Any]:
    detail: dict[str, Any] = {}
    for field in ("name", "external_id"):
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            detail[field] = {"from": old, "to": new}
    if before.metadata != after.metadata:
        detail["metadata"] = "changed"
    return detail
