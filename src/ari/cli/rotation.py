"""``ari keys``: rotate a key, retire its old secret, and let its holder rotate it."""

from typing import TYPE_CHECKING, Annotated

import typer

from ari import keys
from ari.cli import key_output, output
from ari.cli.instances import open_deps
from ari.cli.key_output import describe_key, find_key, list_secrets
from ari.cli.options import AsJson, DataDir, KeyName, Yes
from ari.cli.time_args import whole_number
from ari.keys import KeyChange, Rotated, Rotation
from ari.keys.model import ApiKey
from ari.keys.overlap import DEFAULT_OVERLAP, parse_overlap
from ari.keys.ports import KeyTransaction
from ari.usage.reports.facts import rotation_facts, secret_facts, secret_use_facts

if TYPE_CHECKING:
    from ari.instance import Instance

Overlap = Annotated[
    str,
    typer.Option("--overlap", metavar="0s…30d", help="How long the old secret still works: 0s, 90m, 24h, 7d."),
]


def rotate(
    key: KeyName,
    overlap: Overlap = DEFAULT_OVERLAP,
    retire_old_now: Annotated[
        bool, typer.Option("--retire-old-now", help="Retire a secret that is still in its overlap.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Give a key a new secret and print it once. When piped, prints only the secret.

    The old secret works until the overlap ends. ID, scopes and usage stay the same.
    """
    stops_now = not parse_overlap(overlap)
    with open_deps(data_dir) as deps:
        named = deps.read_sync(find_key, key)
        if not named.is_inactive(deps.instance.now_ms()) and (stops_now or retire_old_now):
            which = "The current secret" if stops_now else "A secret that is still in its overlap"
            question = f"Rotate {describe_key(named)}? {which} stops working immediately. This can't be undone."
            output.confirm(question, yes=yes)
        rotated = deps.do_sync(keys.rotate, named.id, Rotation(overlap, retire_old_now))
        _show_rotated(deps.instance, rotated, as_json)


def retire_old(key: KeyName, yes: Yes = False, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Retire the old secret of a rotated key before its overlap ends."""
    with open_deps(data_dir) as deps:
        named = deps.read_sync(find_key, key)
        now_ms = deps.instance.now_ms()
        old = [one for one in deps.read_sync(keys.get_secrets, named.id)[1:] if not one.is_retired(now_ms)]
        if old:
            question = f"Retire the old secret {old[0].hint} of {describe_key(named)}? It stops working immediately."
            output.confirm(question, yes=yes)
        retired = deps.do_sync(keys.retire_old, named.id)
        if as_json:
            key_output.show_key(deps.instance, retired, as_json)
        elif old:
            output.say(f"Retired the old secret {old[0].hint} of {describe_key(named)}.")
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
    with open_deps(data_dir) as deps:
        named = deps.read_sync(find_key, key)
        listed = [(one, used) for one, used in list_secrets(deps.instance, named) if one.number == number]
        if not listed:
            raise typer.BadParameter("the key has no secret with this number.", param_hint="NUMBER")
        [(found, used_at_ms)] = listed
        use = deps.instance.reports.secret_use(named.id, number)
        now_ms = deps.instance.now_ms()
        if as_json:
            output.as_json(secret_facts(found, used_at_ms, now_ms) | secret_use_facts(use))
            return
        output.facts(
            [
                ("secret", f"{found.number} ({found.hint})"),
                ("retires", output.exactly(found.retires_at_ms, now_ms)),
                ("last used", output.exactly(used_at_ms, now_ms)),
            ]
        )
        clients = [("address", one) for one in use.addresses] + [("user agent", one) for one in use.agents]
        rows = [
            (kind, one.value, one.accepted_count, output.when(one.last_seen_at_ms, now_ms)) for kind, one in clients
        ]
        output.say()
        output.table(("KIND", "CLIENT", "REQUESTS", "LAST SEEN"), rows, "Not used since the key was rotated.")


def _set_may_rotate(key: str, allowed: bool, as_json: bool, data_dir: DataDir) -> None:
    def change(tx: KeyTransaction) -> ApiKey:
        return keys.change(tx, find_key(tx, key).id, KeyChange(may_rotate=allowed))

    with open_deps(data_dir) as deps:
        changed = deps.do_sync(change)
        if as_json:
            key_output.show_key(deps.instance, changed, as_json)
        else:
            output.say(f"The holder of {describe_key(changed)} can {'now' if allowed else 'no longer'} rotate it.")


def _show_rotated(instance: "Instance", rotated: Rotated, as_json: bool) -> None:
    if as_json:
        output.as_json(rotation_facts(rotated, instance.now_ms()))
        return
    if not output.at_terminal():
        output.secret(rotated.secret)
        return
    output.panel(f"New secret of “{rotated.key.name}”", rotated.secret)
    output.say("Copy it now. You won't be able to see it again.")
    retires = output.exactly(rotated.retires_at_ms, instance.now_ms())
    output.say(f"The old secret {rotated.old.hint} retires {retires}.")
