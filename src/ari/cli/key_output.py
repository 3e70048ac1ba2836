"""Find keys by what people type, and print them."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from ari import keys
from ari.base.errors import Invalid, NotFound, Problem
from ari.base.ids import is_id
from ari.cli import output
from ari.cli.instances import find_url
from ari.keys import Created, token
from ari.keys.limits.charge import RuleOwner
from ari.keys.limits.counter import Remaining
from ari.keys.limits.fields import window_in_words
from ari.keys.limits.rules import Refill
from ari.keys.model import ApiKey, KeySecret
from ari.keys.ports import Activity, KeyTransaction
from ari.keys.presets import Preset, find_label
from ari.usage.model import NO_USE, KeyTotals
from ari.usage.reports.facts import key_facts, limit_facts, secret_facts
from ari.usage.reports.queries import last_uses_of_secrets

if TYPE_CHECKING:
    from ari.instance import Instance

_PAGE = 200
_NO_KEYS = 'No keys yet. Create one: ari keys create "My script" --expires 90d'


def list_keys(tx: KeyTransaction, activity: Activity) -> list[ApiKey]:
    """Every key on every page, newest first."""
    listed: list[ApiKey] = []
    while page := keys.get_page(tx, activity, listed[-1].id if listed else None, _PAGE):
        listed += page
    return listed


def find_key(tx: KeyTransaction, text: str, *, even_deleted: bool = False) -> ApiKey:
    """The key with this ID or, if only one key has it, this prefix. Raises ``NotFound`` or ``Invalid``.

    ``even_deleted`` also finds a deleted key, by its ID.
    """
    if is_id("key", text):
        return keys.get_even_deleted(tx, text) if even_deleted else keys.get(tx, text)
    looks_whole = len(text) == token.LENGTH and text.startswith(token.PREFIX)
    if looks_whole or token.is_token(text.encode(errors="replace")):
        sentence = "Use the key's ID or prefix, not the key itself (it would stay in your shell history)."
        raise Invalid(Problem("id", sentence))
    hint = text.replace("...", "…")
    matches = [key for key in list_keys(tx, "all") if key.hint == hint]
    if len(matches) > 1:
        raise Invalid(Problem("id", "Several keys match; use the ID."))
    if not matches:
        raise NotFound("No such key. Run ari keys list to see IDs.")
    return matches[0]


def _others(count: int, one: str, many: str) -> str:
    return f"another active key {one}" if count == 1 else f"{count} other active keys {many}"


def show_created(instance: "Instance", created: Created, as_json: bool) -> None:
    """Print a new key and its secret, which can't be shown again."""
    key = created.key
    if created.same_name:
        output.tell(f"Note: {_others(created.same_name, 'has', 'have')} this name.")
    if created.look_alikes:
        output.tell(f"Note: {_others(created.look_alikes, 'has', 'have')} a name that looks like this one.")
    if as_json:
        output.as_json({"key": key_facts(key, NO_USE, instance.now_ms()), "secret": created.secret})
        return
    if not output.at_terminal():
        output.secret(created.secret)
        return
    output.panel(f"API key “{key.name}”", created.secret)
    output.say("Copy it now. You won't be able to see it again.")
    output.say()
    now_ms = instance.now_ms()
    access, expires = find_label(key.scopes, _presets(instance)), _expiry(key, now_ms)
    output.facts([("id", key.id), ("prefix", key.hint), ("access", access), ("expires", expires)])
    output.say()
    output.say("Try it (read -s keeps the key out of your shell history):")
    output.say("  read -rs ARI_API_KEY")
    output.say(f'  curl -H "x-api-key: $ARI_API_KEY" {find_url(instance.settings)}/api/me')


def show_list(instance: "Instance", listed: Sequence[ApiKey], as_json: bool, empty: str = _NO_KEYS) -> None:
    """Print keys as a table, or as JSON in the shape of the API."""
    now_ms = instance.now_ms()
    totals = _totals(instance, listed)
    if as_json:
        output.as_json({"items": [key_facts(key, totals.get(key.id, NO_USE), now_ms) for key in listed]})
        return
    headers = ("NAME", "PREFIX", "STATUS", "ACCESS", "EXPIRES", "LAST USED", "REQUESTS", "ID")
    presets = _presets(instance)
    rows = [_row(key, totals.get(key.id, NO_USE), presets, now_ms) for key in listed]
    output.table(headers, rows, empty, droppable=1)


def show_key(instance: "Instance", key: ApiKey, as_json: bool) -> None:
    """Print everything about one key."""
    now_ms = instance.now_ms()
    totals = _totals(instance, [key]).get(key.id, NO_USE)
    secrets = list_secrets(instance, key)
    if as_json:
        listed = [secret_facts(secret, used_at_ms, now_ms) for secret, used_at_ms in secrets]
        output.as_json(key_facts(key, totals, now_ms) | {"secrets": listed})
        return
    pairs: list[tuple[str, Any]] = [
        ("name", key.name),
        ("id", key.id),
        ("prefix", key.hint),
        ("status", key.status(now_ms)),
        ("access", find_label(key.scopes, _presets(instance))),
        ("scopes", " ".join(key.scopes)),
        *_describe_ownership(key),
        ("rotates itself", "yes" if key.policy.may_rotate else "no"),
        ("created", output.exactly(key.created_at_ms, now_ms)),
        ("created by", key.created_by),
        ("expires", _expiry(key, now_ms)),
        ("last used", output.exactly(totals.last_used_at_ms, now_ms)),
        ("requests", totals.request_count),
        ("refused", totals.refused_count),
    ]
    if key.revoked_at_ms is not None:
        pairs += [("revoked", output.exactly(key.revoked_at_ms, now_ms)), ("revoked by", key.revoked_by)]
        pairs += [("reason", key.revoke_reason)] if key.revoke_reason else []
    output.facts([*pairs, *describe_rules(instance, key.rule_owners)])
    if len(secrets) > 1:
        rows = [
            (
                secret.number,
                secret.hint,
                output.when(secret.retires_at_ms, now_ms),
                output.when(used_at_ms, now_ms),
            )
            for secret, used_at_ms in secrets
        ]
        output.say()
        output.table(("SECRET", "PREFIX", "RETIRES", "LAST USED"), rows, "")


def show_remaining(instance: "Instance", owner_id: str, owners: Sequence[RuleOwner], as_json: bool) -> None:
    """Print what remains of limits and credits."""
    remaining = instance.usage_records.read_remaining(owners)
    if as_json:
        output.as_json({"id": owner_id, "remaining": [limit_facts(one) for one in remaining]})
    elif remaining:
        output.facts([(one.name, _describe_remaining(one)) for one in remaining])
    else:
        output.say("There are no limits.")


def describe_rules(instance: "Instance", owners: Sequence[RuleOwner]) -> list[tuple[str, str]]:
    """Names and what remains of limits and credits, and the refills of credits."""
    remaining = instance.usage_records.read_remaining(owners)
    pairs = [(one.name, _describe_remaining(one)) for one in remaining]
    refills = [rules.credits.refill for rules in (owner.rules for owner in owners) if rules.credits is not None]
    return [*pairs, *(("refill", _describe_refill(refill)) for refill in refills if refill is not None)]


def _describe_refill(refill: Refill) -> str:
    when = "monthly, on the first" if refill.every == "month" else "daily"
    return f"to {refill.amount:,} {when}, at {refill.hour:02}:00 {refill.time_zone}"


def _describe_remaining(one: Remaining) -> str:
    if one.window_ms is None:
        return f"{one.remaining} left"
    return f"{one.remaining} of {one.limit} left per {window_in_words(one.window_ms)}"


def _describe_ownership(key: ApiKey) -> list[tuple[str, Any]]:
    """The environment, and what differs from a plain key."""
    pairs: list[tuple[str, Any]] = []
    if key.kind is not None:
        pairs.append(("kind", key.kind))
    pairs.append(("environment", key.environment))
    if key.consumer is not None:
        pairs.append(("consumer", f"{key.consumer.name} ({key.consumer.external_id or key.consumer.id})"))
    if key.tags:
        pairs.append(("tags", " ".join(key.tags)))
    if key.metadata is not None:
        pairs.append(("metadata", key.metadata))
    if key.policy.addresses:
        pairs.append(("addresses", " ".join(key.policy.addresses)))
    return pairs


def list_secrets(instance: "Instance", key: ApiKey) -> list[tuple[KeySecret, int | None]]:
    """The secrets of a key, newest first, and when each was last used."""
    from ari.deps import Deps

    secrets = Deps(instance).read_sync(keys.get_secrets, key.id)
    totals = _totals(instance, [key]).get(key.id, NO_USE)
    used = last_uses_of_secrets(instance.reports, key.id, secrets, totals)
    return [(secret, used.get(secret.number)) for secret in secrets]


def describe_key(key: ApiKey) -> str:
    """Name, prefix and ID, for sentences."""
    return f"“{key.name}” ({key.hint}, {key.id})"


def _row(key: ApiKey, totals: KeyTotals, presets: Collection[Preset], now_ms: int) -> tuple[object, ...]:
    return (
        key.name,
        key.hint,
        key.status(now_ms),
        find_label(key.scopes, presets),
        output.when(key.expires_at_ms, now_ms),
        output.when(totals.last_used_at_ms, now_ms),
        totals.request_count,
        key.id,
    )


def _presets(instance: "Instance") -> Collection[Preset]:
    from ari.deps import Deps

    return Deps(instance).read_sync(keys.list_presets).values()


def _expiry(key: ApiKey, now_ms: int) -> str:
    return output.exactly(key.expires_at_ms, now_ms)


def _totals(instance: "Instance", listed: Sequence[ApiKey]) -> dict[str, KeyTotals]:
    totals: dict[str, KeyTotals] = {}
    for start in range(0, len(listed), _PAGE):
        totals |= instance.usage_records.totals([key.id for key in listed[start : start + _PAGE]])
    return totals


def key_id_of(instance: "Instance", text: str) -> str:
    """The ID of a key. Deleted keys count too: their usage stays readable."""
    from ari.deps import Deps

    return Deps(instance).read_sync(find_key, text, even_deleted=True).id
