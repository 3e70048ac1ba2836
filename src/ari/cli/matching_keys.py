"""Change all keys of a consumer or kind, or with a tag: exactly those that were listed and confirmed."""

from typing import TYPE_CHECKING, Annotated

import typer

from ari.base.errors import Conflict
from ari.cli import key_output, output
from ari.cli.completion import offer
from ari.cli.key_output import Key, describe_key
from ari.cli.matched_by import MatchedBy
from ari.keys import BulkChange

if TYPE_CHECKING:
    from ari.cli.targets import Target

OneKey = Annotated[
    str | None,
    typer.Argument(
        metavar="[ID]", help="Key ID, prefix or name, if only one.", show_default=False, autocompletion=offer("keys")
    ),
]
ByConsumer = Annotated[
    str | None,
    typer.Option(
        "--consumer",
        metavar="ID",
        help="All keys of this consumer: name, ID or external ID.",
        show_default=False,
        autocompletion=offer("consumers"),
    ),
]
ByTag = Annotated[str | None, typer.Option("--tag", metavar="TAG", help="All keys with this tag.", show_default=False)]
ByKind = Annotated[
    str | None,
    typer.Option(
        "--kind", metavar="KIND", help="All keys of this kind.", show_default=False, autocompletion=offer("kinds")
    ),
]

_WORDS = {
    "revoke": ("Revoke", "Revoked", " Anything using them stops working immediately. This can't be undone."),
    "disable": ("Disable", "Disabled", " Anything using them stops working until you enable them."),
    "expire": ("Change the expiry of", "Changed the expiry of", ""),
}


def match_unless_one(key: str | None, consumer: str | None, tag: str | None, kind: str | None) -> MatchedBy:
    """The filters of the options. Raises ``typer.BadParameter`` for both a key and a filter, or neither."""
    by = MatchedBy(consumer, tag, kind)
    if (key is None) == (by == MatchedBy(None, None, None)):
        raise typer.BadParameter(
            "pass the ID, prefix or name of a key, or --consumer, --tag or --kind for all of their keys."
        )
    return by


def change_matching_keys(target: "Target", by: MatchedBy, wanted: BulkChange, *, yes: bool, as_json: bool) -> None:
    """List the keys that the change fits, ask, and change them if they are still the same.

    Raises ``Conflict("keys_changed")`` if not, and what ``keys.change_matching`` raises.
    """
    listed, left_out = target.keys.list_affected(by, wanted)
    for one in left_out:
        output.tell(f"Left out “{one['name']}” ({one['id']}): {one['reason']}")
    if not listed:
        if as_json:
            key_output.show_list(target, [], as_json)
        else:
            output.say("No key matches that this would change. Nothing was changed.")
        return
    verb, done, warning = _WORDS[wanted.action]
    counted = output.count(len(listed), "key")
    if not yes:
        for key in listed:
            output.tell(describe_key(key))
        output.confirm(f"{verb} {counted}?{warning}", yes=False)
    changed: list[Key] = []
    key_ids = [key["id"] for key in listed]
    try:
        while len(changed) < len(listed):
            changed += target.keys.change_next(by, wanted, key_ids, len(changed))
    except Conflict as error:
        left = output.count(len(listed) - len(changed), "key")
        before = (
            f"{done} {output.count(len(changed), 'key')}, but not the other {left}" if changed else "Nothing changed"
        )
        raise Conflict(error.code, f"{before}: the matching keys changed in the meantime.") from None
    if as_json:
        key_output.show_list(target, changed, as_json)
    else:
        output.say(f"{done} {counted}.")
