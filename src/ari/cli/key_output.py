"""Print keys, from the facts of either kind of target."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ari.cli import output
from ari.cli.budget_use import describe_budgets
from ari.cli.model_args import describe_models
from ari.cli.time_args import parse_time
from ari.cli.unpriced_models import warn_about_unpriced
from ari.keys.limits.fields import parse_window, window_in_words
from ari.keys.presets import Preset, find_label

if TYPE_CHECKING:
    from ari.cli.targets import Target

_NO_KEYS = 'No keys yet. Create one: ari keys create "My script" --expires 90d'
Key = Mapping[str, Any]


def is_inactive(key: Key) -> bool:
    """Whether the key is revoked or expired."""
    return key["status"] in ("revoked", "expired")


def describe_key(key: Key) -> str:
    """Name, prefix and ID, for sentences."""
    return f"“{key['name']}” ({key['hint']}, {key['id']})"


def _others(count: int, one: str, many: str) -> str:
    return f"another active key {one}" if count == 1 else f"{count} other active keys {many}"


def show_created(target: "Target", created: Mapping[str, Any], as_json: bool, *, sets_budgets: bool) -> None:
    """Print a new key and its secret, which can't be shown again, and the notes about it."""
    key = created["key"]
    if sets_budgets:
        warn_about_unpriced(target, key["budgets"])
    if created["same_name"]:
        output.tell(f"Note: {_others(created['same_name'], 'has', 'have')} this name.")
    if created["look_alikes"]:
        output.tell(f"Note: {_others(created['look_alikes'], 'has', 'have')} a name that looks like this one.")
    with output.catch_lost_secret(key["id"]):
        if as_json:
            output.as_json({"key": key, "secret": created["secret"]})
        elif output.at_terminal():
            output.panel(f"API key “{key['name']}”", created["secret"])
        else:
            output.secret(created["secret"])
    if as_json or not output.at_terminal():
        return
    output.say("Copy it now. You won't be able to see it again.")
    output.say()
    access, expires = _describe_access(key, _presets(target)), _expiry(key, target.now_ms())
    output.facts([("id", key["id"]), ("prefix", key["hint"]), ("access", access), ("expires", expires)])
    output.say()
    output.say("Try it (read -s keeps the key out of your shell history):")
    output.say("  read -rs ARI_API_KEY")
    output.say(f'  curl -H "x-api-key: $ARI_API_KEY" {target.url}/api/me')


def show_list(
    target: "Target", listed: Sequence[Key], as_json: bool, empty: str = _NO_KEYS, **more: str | None
) -> None:
    """Print keys as a table, or as JSON in the shape of the API, with ``more`` fields of the list."""
    if as_json:
        output.as_json({"items": list(listed), **more})
        return
    headers = ("NAME", "PREFIX", "STATUS", "ACCESS", "EXPIRES", "LAST USED", "REQUESTS", "ID")
    presets, now_ms = _presets(target), target.now_ms()
    output.table(headers, [_row(key, presets, now_ms) for key in listed], empty, droppable=5)


def show_key(target: "Target", key: Key, as_json: bool) -> None:
    """Print everything about one key, as ``target.keys.get`` returns it."""
    if as_json:
        output.as_json(key)
        return
    now_ms = target.now_ms()
    pairs: list[tuple[str, Any]] = [
        ("name", key["name"]),
        ("id", key["id"]),
        ("prefix", key["hint"]),
        ("status", key["status"]),
        ("access", _describe_access(key, _presets(target))),
        ("scopes", " ".join(key["scopes"])),
        *_describe_ownership(key),
        ("rotates itself", "yes" if key["may_rotate"] else "no"),
        ("created", _exactly(key["created_at"], now_ms)),
        ("created by", key["created_by"]),
        ("expires", "-" if key["revoked_at"] else _expiry(key, now_ms)),
        ("last used", _exactly(key["last_used_at"], now_ms)),
        ("requests", key["request_count"]),
        ("refused", key["refused_count"]),
    ]
    if key["revoked_at"] is not None:
        actor, reason = target.keys.find_revocation(key["id"])
        pairs += [("revoked", _exactly(key["revoked_at"], now_ms)), ("revoked by", actor)]
        pairs += [("reason", reason)] if reason else []
    pairs += describe_rules(key["remaining"], target.keys.list_refills(key))
    output.facts([*pairs, *describe_budgets(key["budget_use"], now_ms)])
    if len(key["secrets"]) > 1:
        rows = [
            (one["number"], one["hint"], _when(one["retires_at"], now_ms), _when(one["last_used_at"], now_ms))
            for one in key["secrets"]
        ]
        output.say()
        output.table(("SECRET", "PREFIX", "RETIRES", "LAST USED"), rows, "")


def show_remaining(owner: Mapping[str, Any], as_json: bool, refills: Sequence[Mapping[str, Any]] = ()) -> None:
    """Print what remains of limits and credits of a key or consumer, and these refills."""
    remaining = owner["remaining"]
    if as_json:
        output.as_json({"id": owner["id"], "remaining": remaining})
    elif remaining:
        output.facts(describe_rules(remaining, refills))
    else:
        output.say("There are no limits.")


def describe_rules(
    remaining: Sequence[Mapping[str, Any]], refills: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Names and what remains of limits and credits, and the refills of credits."""
    pairs = [(one["name"], describe_limit(one)) for one in remaining]
    return [*pairs, *(("refill", _describe_refill(refill)) for refill in refills)]


def describe_limit(one: Mapping[str, Any]) -> str:
    """What remains under a limit."""
    if one["window"] is None:
        return f"{one['remaining']} left"
    return f"{one['remaining']} of {one['limit']} left per {window_in_words(parse_window(one['window']))}"


def _describe_refill(refill: Mapping[str, Any]) -> str:
    when = "monthly, on the first" if refill["every"] == "month" else "daily"
    return f"to {refill['amount']:,} {when}, at {refill['hour']:02}:00 {refill['time_zone']}"


def _describe_ownership(key: Key) -> list[tuple[str, Any]]:
    """The environment, and what differs from a plain key."""
    pairs: list[tuple[str, Any]] = []
    consumer = key["consumer"]
    if key["kind"] is not None:
        pairs.append(("kind", key["kind"]))
    pairs.append(("environment", key["environment"]))
    if consumer is not None:
        pairs.append(("consumer", f"{consumer['name']} ({consumer['external_id'] or consumer['id']})"))
    if key["tags"]:
        pairs.append(("tags", " ".join(key["tags"])))
    if key["metadata"]:
        pairs.append(("metadata", describe_metadata(key["metadata"])))
    if key["addresses"]:
        pairs.append(("addresses", " ".join(key["addresses"])))
    if key["models"]:
        pairs.append(("models", describe_models(key["models"])))
    return pairs


def describe_metadata(metadata: Mapping[str, Any]) -> str | None:
    """The metadata as JSON, if there is any."""
    return json.dumps(metadata, ensure_ascii=False, separators=(",", ":")) if metadata else None


def _row(key: Key, presets: Collection[Preset], now_ms: int) -> tuple[object, ...]:
    return (
        key["name"],
        key["hint"],
        key["status"],
        _describe_access(key, presets),
        "-" if key["revoked_at"] else _when(key["expires_at"], now_ms),
        _when(key["last_used_at"], now_ms),
        key["request_count"],
        key["id"],
    )


def _presets(target: "Target") -> list[Preset]:
    listed = target.presets.list_for_labels()
    return [Preset(one["name"], one["label"], one["description"], tuple(one["scopes"])) for one in listed]


def _describe_access(key: Key, presets: Collection[Preset]) -> str:
    return find_label(tuple(key["scopes"]), presets)


def _expiry(key: Key, now_ms: int) -> str:
    return _exactly(key["expires_at"], now_ms)


def _exactly(time: str | None, now_ms: int) -> str:
    return output.exactly(parse_time(time), now_ms)


def _when(time: str | None, now_ms: int) -> str:
    return output.when(parse_time(time), now_ms)
