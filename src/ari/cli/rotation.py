"""``ari keys``: rotate a key, retire its old secret, and let its holder rotate it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ari.cli import key_output, output
from ari.cli.key_output import describe_key
from ari.cli.options import AsJson, DataDir, KeyName, Yes
from ari.cli.targets import open_target
from ari.cli.time_args import parse_time, whole_number
from ari.keys import KeyChange, Rotation
from ari.keys.overlap import DEFAULT_OVERLAP, parse_overlap

if TYPE_CHECKING:
    from ari.cli.targets import Target

Overlap = Annotated[
    str,
    typer.Option("--overlap", metavar="0s…30d", help="How long the old secret still works: 0s, 90m, 24h, 7d."),
]

RetireOldNow = Annotated[bool, typer.Option("--retire-old-now", help="Retire a secret that is still in its overlap.")]


def rotate(
    key: KeyName,
    overlap: Overlap = DEFAULT_OVERLAP,
    retire_old_now: RetireOldNow = False,
    yes: Yes = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Give a key a new secret and print it once. When piped, prints only the secret.

    The old secret works until the overlap ends. ID, scopes and usage stay the same.
    """
    stops_now = not parse_overlap(overlap)
    with open_target(data_dir) as target:
        named = target.keys.find(key)
        if not key_output.is_inactive(named) and (stops_now or retire_old_now):
            which = "The current secret" if stops_now else "A secret that is still in its overlap"
            question = f"Rotate {describe_key(named)}? {which} stops working immediately. This can't be undone."
            output.confirm(question, yes=yes)
        show_rotated(target, target.keys.rotate(named["id"], Rotation(overlap, retire_old_now)), as_json)


def retire_old(key: KeyName, yes: Yes = False, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Retire the old secret of a rotated key before its overlap ends."""
    with open_target(data_dir) as target:
        named = target.keys.get(key)
        old = [one["hint"] for one in named["secrets"][1:] if one["active"]]
        if old:
            question = f"Retire the old secret {old[0]} of {describe_key(named)}? It stops working immediately."
            output.confirm(question, yes=yes)
        retired = target.keys.retire_old(named["id"])
        if as_json:
            key_output.show_key(target, retired, as_json)
        elif old:
            output.say(f"Retired the old secret {old[0]} of {describe_key(named)}.")
        else:
            output.say(f"{describe_key(named)} has no old secret that still works.")


def allow_rotation(key: KeyName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Let the holder of a key rotate it."""
    _set_may_rotate(key, True, as_json, data_dir)


def forbid_rotation(key: KeyName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Don't let the holder of a key rotate it."""
    _set_may_rotate(key, False, as_json, data_dir)


def secret(
    key: KeyName,
    number: Annotated[
        int,
        typer.Argument(
            parser=whole_number(1, 2**31 - 1), metavar="NUMBER", help="Number of the secret.", show_default=False
        ),
    ],
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show who uses a secret of a rotated key."""
    with open_target(data_dir) as target:
        named = target.keys.get(key)
        if all(one["number"] != number for one in named["secrets"]):
            raise typer.BadParameter("the key has no secret with this number.", param_hint="NUMBER")
        found = target.keys.get_secret_use(named, number)
        if as_json:
            output.as_json(found)
            return
        now_ms = target.now_ms()
        output.facts(
            [
                ("secret", f"{found['number']} ({found['hint']})"),
                ("retires", output.exactly(parse_time(found["retires_at"]), now_ms)),
                ("last used", output.exactly(parse_time(found["last_used_at"]), now_ms)),
            ]
        )
        clients = [("address", one) for one in found["addresses"]] + [
            ("user agent", one) for one in found["user_agents"]
        ]
        rows = [
            (kind, one["value"], one["request_count"], output.when(parse_time(one["last_seen_at"]), now_ms))
            for kind, one in clients
        ]
        output.say()
        output.table(("KIND", "CLIENT", "REQUESTS", "LAST SEEN"), rows, "Not used since the key was rotated.")


def _set_may_rotate(key: str, allowed: bool, as_json: bool, data_dir: DataDir) -> None:
    with open_target(data_dir) as target:
        changed = target.keys.change(key, KeyChange(may_rotate=allowed))
        if as_json:
            key_output.show_key(target, changed, as_json)
        else:
            output.say(f"The holder of {describe_key(changed)} can {'now' if allowed else 'no longer'} rotate it.")


def show_rotated(target: "Target", rotated: Mapping[str, Any], as_json: bool) -> None:
    """Print a new secret, which can't be shown again."""
    with output.catch_lost_secret(rotated["key"]["id"]):
        if as_json:
            output.as_json(rotated)
        elif output.at_terminal():
            output.panel(f"New secret of “{rotated['key']['name']}”", rotated["secret"])
        else:
            output.secret(rotated["secret"])
    if as_json or not output.at_terminal():
        return
    output.say("Copy it now. You won't be able to see it again.")
    retires = output.exactly(parse_time(rotated["old_retires_at"]), target.now_ms())
    output.say(f"The old secret {rotated['old_hint']} retires {retires}.")
