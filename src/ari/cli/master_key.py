"""``ari master-key``: replace the key that seals secrets."""
# Imports inside functions here: start-up speed.

from typing import TYPE_CHECKING

import typer

from ari.base.events import Event
from ari.base.ids import new_id
from ari.base.seal import forget_unused, reseal_all
from ari.cli import output
from ari.cli.opening import CALLER, opened
from ari.cli.options import DataDir

if TYPE_CHECKING:
    from ari.base.caller import Caller
    from ari.base.master_key import MasterKey
    from ari.instance import Instance
    from ari.storage.transaction import Transaction

app = typer.Typer(help="The key that seals secrets, such as those of two-factor.", no_args_is_help=True)


@app.callback()
def root() -> None:
    pass


@app.command()
def rotate(data_dir: DataDir = None) -> None:
    """Wrap the key of every sealed secret with a new master key, also while ARI serves; the old one is forgotten.

    The audit trail is signed with the new key too. Backups from before were signed with the old one: write new ones.

    Where ARI_MASTER_KEY or ARI_MASTER_KEY_FILE gives the key, put a new one in front of it first, apart by a comma;
    afterwards remove the old one.
    """
    with opened(data_dir) as instance:
        key, count, is_signed = rotate_in(instance, CALLER())
        place, is_own = instance.master_keys.place, instance.master_keys.is_own
    if not count and not is_own and not is_signed:
        output.say(f"The first master key in {place} seals everything already; put a new one in front of it first.")
        return
    secrets = "1 secret" if count == 1 else f"{count:,} secrets"
    output.say(f"Sealed {secrets} with the master key {key.id.hex()} in {place}.")


def rotate_in(instance: "Instance", caller: "Caller") -> "tuple[MasterKey, int, bool]":
    """Put a new master key in force; it, how many secrets it seals now, and whether it signs the audit trail now.

    It may die at any step and be run again.

    Raises ``Conflict`` where there is no master key yet, ``CannotOpen``; then nothing is touched.
    """
    done = instance.command(caller, lambda unit, by: _reseal(instance, unit, by))
    with instance.database.writing() as unit:
        forget_unused(unit.sealed, instance.master_keys)
    return done


def _reseal(instance: "Instance", unit: "Transaction", caller: "Caller") -> "tuple[MasterKey, int, bool]":
    keys, now_ms = instance.master_keys, instance.now_ms()
    key, count = reseal_all(unit.sealed, keys)
    is_signed = unit.events.marks.renew()
    if count or keys.is_own or is_signed:
        detail = {"secrets": count, "key": key.id.hex()}
        event_id = new_id("evt", now_ms)
        unit.events.append(Event(event_id, now_ms, "master_key_rotated", caller.actor, None, caller.origin, detail))
    return key, count, is_signed
