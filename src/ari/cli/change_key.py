"""``ari keys``: show, change, revoke and delete a key. The rules are in ``ari.keys``, as for every door."""

from collections.abc import Callable
from typing import Annotated

import typer

from ari.base.clock import from_rfc3339
from ari.cli import key_output, output
from ari.cli.key_output import Key, describe_key
from ari.cli.matching_keys import ByConsumer, ByKind, ByTag, OneKey, change_matching_keys, match_unless_one
from ari.cli.metadata_args import parse_metadata_options
from ari.cli.model_args import AllowModels, DenyModels, describe_models, make_model_rules
from ari.cli.options import (
    Addresses,
    AsJson,
    Consumer,
    DataDir,
    EnvironmentName,
    Expires,
    ExpiresAt,
    KeyName,
    Metadata,
    NewName,
    Scopes,
    Tags,
    Yes,
)
from ari.cli.targets import open_target
from ari.cli.time_args import instant
from ari.keys import UNSET, BulkChange, KeyChange
from ari.keys.expiry import expiry_of


def show(key: KeyName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show a key's details."""
    with open_target(data_dir) as target:
        key_output.show_key(target, target.keys.get(key), as_json)


def rename(key: KeyName, name: NewName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Rename a key."""
    _change(key, KeyChange(name=name), lambda changed: f"Renamed to {describe_key(changed)}.", as_json, data_dir)


def scopes(key: KeyName, scope: Scopes = None, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Set a key's scopes (replaces the current ones)."""
    if not scope:
        raise typer.BadParameter("pass at least one --scope.")
    wanted = KeyChange(scopes=tuple(scope))
    _change(
        key,
        wanted,
        lambda changed: f"{describe_key(changed)} now has scopes {' '.join(changed['scopes'])}.",
        as_json,
        data_dir,
    )


def expiry(
    key: OneKey = None,
    expires: Expires = None,
    expires_at: ExpiresAt = None,
    consumer: ByConsumer = None,
    tag: ByTag = None,
    kind: ByKind = None,
    yes: Yes = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Set a key's expiry, counted from now, or that of all keys of a consumer or kind, or with a tag (listed first)."""
    by = match_unless_one(key, consumer, tag, kind)
    if expires is None and expires_at is None:
        raise typer.BadParameter("pass --expires or --expires-at.")
    at_ms = instant(expires_at, "--expires-at")
    with open_target(data_dir) as target:
        expires_at_ms = expiry_of(expires, at_ms, target.now_ms())
        if key is None:
            wanted = BulkChange("expire", expires_at_ms=expires_at_ms)
            change_matching_keys(target, by, wanted, yes=yes, as_json=as_json)
            return
    _change(key, KeyChange(expires_at_ms=expires_at_ms), _expiry_sentence, as_json, data_dir)


def assign(
    key: KeyName,
    consumer: Consumer = None,
    tag: Tags = None,
    metadata: Metadata = None,
    environment: EnvironmentName = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Set a key's consumer, tags, metadata or environment (--tag and --metadata replace all present ones).

    --consumer "" and --tag "" remove them.
    """
    if consumer is None and tag is None and metadata is None and environment is None:
        raise typer.BadParameter("pass --consumer, --tag, --metadata or --environment.")
    wanted = KeyChange(
        environment=UNSET if environment is None else environment,
        consumer=UNSET if consumer is None else consumer or None,
        tags=UNSET if tag is None else tuple(one for one in tag if one),
        metadata=UNSET if metadata is None else parse_metadata_options(metadata),
    )
    _change(key, wanted, _assignment_sentence, as_json, data_dir)


def _assignment_sentence(changed: Key) -> str:
    consumer = changed["consumer"]
    facts = {
        "consumer": "none" if consumer is None else consumer["name"],
        "tags": ", ".join(changed["tags"]) or "none",
        "metadata": key_output.describe_metadata(changed["metadata"]) or "none",
        "environment": changed["environment"],
    }
    return f"{describe_key(changed)} now has " + "; ".join(f"{name}: {value}" for name, value in facts.items()) + "."


def addresses(key: KeyName, address: Addresses = None, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Set the addresses and networks a key works from. Without --address, it works from anywhere."""
    wanted = KeyChange(addresses=tuple(address or ()))
    _change(key, wanted, _addresses_sentence, as_json, data_dir)


def models(
    key: KeyName,
    allow_model: AllowModels = None,
    deny_model: DenyModels = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Set the AI models a key may use. Without --allow-model and --deny-model, it may use all."""
    wanted = KeyChange(models=make_model_rules(allow_model, deny_model))
    _change(key, wanted, _models_sentence, as_json, data_dir)


def disable(
    key: OneKey = None,
    consumer: ByConsumer = None,
    tag: ByTag = None,
    kind: ByKind = None,
    yes: Yes = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Disable a key, or all keys of a consumer or kind, or with a tag (listed first)."""
    by = match_unless_one(key, consumer, tag, kind)
    if key is None:
        with open_target(data_dir) as target:
            change_matching_keys(target, by, BulkChange("disable"), yes=yes, as_json=as_json)
        return
    _change(key, KeyChange(disabled=True), lambda changed: f"Disabled {describe_key(changed)}.", as_json, data_dir)


def enable(key: KeyName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Enable a disabled key."""
    _change(key, KeyChange(disabled=False), lambda changed: f"Enabled {describe_key(changed)}.", as_json, data_dir)


def revoke(
    key: OneKey = None,
    consumer: ByConsumer = None,
    tag: ByTag = None,
    kind: ByKind = None,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Reason, for the audit log.", show_default=False)
    ] = None,
    with_made: Annotated[
        bool, typer.Option("--with-made", help="Also revoke the keys it created or gave more access.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Permanently revoke a key now, or all keys of a consumer or kind, or with a tag (listed first)."""
    by = match_unless_one(key, consumer, tag, kind)
    if key is None and with_made:
        raise typer.BadParameter("--with-made is for a single key.")
    with open_target(data_dir) as target:
        if key is None:
            change_matching_keys(target, by, BulkChange("revoke", reason), yes=yes, as_json=as_json)
            return
        named = target.keys.find(key, even_deleted=with_made)
        made = target.keys.list_made_by(named) if with_made else []
        if made or not key_output.is_inactive(named):
            output.confirm(_revoke_question(named, len(made)), yes=yes)
        dead = target.keys.revoke(named["id"], reason, with_made=with_made, with_use=as_json)
        if as_json:
            key_output.show_key(target, dead, as_json)
            return
        before = "Already revoked: " if named["status"] == "revoked" else "Revoked "
        output.say(f"{before}{describe_key(dead)}.")
        for child in target.keys.list_made_by(named):
            output.tell(
                f"It created {describe_key(child)} or gave it more access, and that key is still active. "
                "Use --with-made to revoke such keys too."
            )


def delete(key: KeyName, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Delete a revoked or expired key. Its usage and events are kept."""
    with open_target(data_dir) as target:
        named = target.keys.find(key)
        if key_output.is_inactive(named):
            output.confirm(f"Delete {describe_key(named)}? Its usage and events are kept.", yes=yes)
        target.keys.delete(named["id"])
        output.say(f"Deleted {describe_key(named)}.")


def _change(key: str, wanted: KeyChange, result: Callable[[Key], str], as_json: bool, data_dir: DataDir) -> None:
    with open_target(data_dir) as target:
        changed = target.keys.change(key, wanted)
        if as_json:
            key_output.show_key(target, changed, as_json)
        else:
            output.say(result(changed))


def _revoke_question(key: Key, made: int) -> str:
    others = f" and the {output.count(made, 'active key')} it created" if made else ""
    using = "them" if made else "it"
    return (
        f"Revoke {describe_key(key)}{others}? Anything using {using} stops working immediately. This can't be undone."
    )


def _addresses_sentence(key: Key) -> str:
    return f"{describe_key(key)} now works from {', '.join(key['addresses']) or 'everywhere'}."


def _models_sentence(key: Key) -> str:
    return f"{describe_key(key)} may now use these models: {describe_models(key['models'])}."


def _expiry_sentence(key: Key) -> str:
    if key["expires_at"] is None:
        return f"{describe_key(key)} no longer expires."
    return f"{describe_key(key)} now expires {output.moment(from_rfc3339(key['expires_at']))}."
