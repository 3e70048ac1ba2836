"""Change all keys of a consumer or kind, or with a tag: exactly those that were listed and confirmed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from ari import keys
from ari.base.errors import Conflict
from ari.cli import key_output, output
from ari.cli.key_output import describe_key
from ari.keys import MAX_KEYS_AT_ONCE, AffectedKeys, BulkChange, Confirmed
from ari.keys.commands.bulk_by_filter import LeftOut
from ari.keys.listing import KeyListTransaction
from ari.keys.model import ApiKey

if TYPE_CHECKING:
    from ari.deps import Deps

OneKey = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="Key ID or prefix, if only one.", show_default=False)
]
ByConsumer = Annotated[
    str | None,
    typer.Option(
        "--consumer", metavar="ID", help="All keys of this consumer: name, ID or external ID.", show_default=False
    ),
]
ByTag = Annotated[str | None, typer.Option("--tag", metavar="TAG", help="All keys with this tag.", show_default=False)]
ByKind = Annotated[
    str | None, typer.Option("--kind", metavar="KIND", help="All keys of this kind.", show_default=False)
]

_WORDS = {
    "revoke": ("Revoke", "Revoked", " Anything using them stops working immediately. This can't be undone."),
    "disable": ("Disable", "Disabled", " Anything using them stops working until you enable them."),
    "expire": ("Change the expiry of", "Changed the expiry of", ""),
}


class MatchedBy(NamedTuple):
    """The filters that all keys to change match; ``None`` is any."""

    consumer: str | None
    tag: str | None
    kind: str | None


def require_one_or_matching(key: str | None, by: MatchedBy) -> None:
    """Raises ``typer.BadParameter`` for both a key and a filter, or neither."""
    if (key is None) == (by == MatchedBy(None, None, None)):
        raise typer.BadParameter(
            "pass the ID or prefix of a key, or --consumer, --tag or --kind for all of their keys."
        )


def change_matching_keys(deps: "Deps", by: MatchedBy, wanted: BulkChange, *, yes: bool, as_json: bool) -> None:
    """List the keys that the change fits, ask, and change them if they are still the same.

    Raises ``Conflict("keys_changed")`` if not, and what ``keys.change_matching`` raises.
    """
    listed, left_out = deps.read_sync(_list_affected, by, wanted)
    for one in left_out:
        output.tell(f"Left out {describe_key(one.key)}: {one.reason}")
    if not listed:
        key_output.show_list(deps.instance, [], as_json, "There is no key to change.")
        return
    verb, done, warning = _WORDS[wanted.action]
    counted = output.count(len(listed), "key")
    if not yes:
        for key in listed:
            output.tell(describe_key(key))
        output.confirm(f"{verb} {counted}?{warning}", yes=False)
    changed: list[ApiKey] = []
    try:
        while len(changed) < len(listed):
            changed += deps.do_sync(_change_next, by, wanted, listed, len(changed))
    except Conflict as error:
        left = output.count(len(listed) - len(changed), "key")
        before = (
            f"{done} {output.count(len(changed), 'key')}, but not the other {left}" if changed else "Nothing changed"
        )
        raise Conflict(error.code, f"{before}: the matching keys changed in the meantime.") from None
    if as_json:
        key_output.show_list(deps.instance, changed, as_json)
    else:
        output.say(f"{done} {counted}.")


def _list_affected(tx: KeyListTransaction, by: MatchedBy, wanted: BulkChange) -> tuple[list[ApiKey], list[LeftOut]]:
    """All keys that the change fits, and those that it doesn't, newest first."""
    where, found = keys.make_filter(tx, **by._asdict()), AffectedKeys([], 1)
    listed: list[ApiKey] = []
    left_out: list[LeftOut] = []
    while found.remaining:
        found = keys.list_affected(tx, where, wanted)
        listed += found.keys
        left_out = left_out or list(found.left_out)
        where = replace(where, before_id=listed[-1].id if listed else None)
    return listed, left_out


def _change_next(
    tx: KeyListTransaction,
    by: MatchedBy,
    wanted: BulkChange,
    listed: Sequence[ApiKey],
    done: int,
) -> list[ApiKey]:
    """Change the next of the listed keys, the newest first; the first step checks that they are all as listed."""
    if not done and _list_affected(tx, by, wanted)[0] != listed:
        raise Conflict("keys_changed", "The matching keys changed.")
    where = keys.make_filter(tx, **by._asdict())
    step = listed[done : done + MAX_KEYS_AT_ONCE]
    confirmed = Confirmed(frozenset(key.id for key in step), wanted)
    where = replace(where, before_id=listed[done - 1].id if done else None)
    return keys.change_matching(tx, where, wanted, confirmed).keys
