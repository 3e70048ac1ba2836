"""``ari master-key``: rotate the key that encrypts secrets."""
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

app = typer.Typer(help="Manage the encryption master key.", no_args_is_help=True)


@app.callback()
def root() -> None:
    pass


@app.command()
def rotate(data_dir: DataDir = None) -> None:
    """Rotate the master key. Safe while ARI is running.

    The audit log is signed with the new key too. Older backups need the old key, so make a new backup afterwards.

    If the key is in ARI_MASTER_KEY or ARI_MASTER_KEY_FILE, first prepend the new key, separated by a comma; remove
    the old one afterwards.
    """
    with opened(data_dir) as instance:
        key, count, is_signed = rotate_in(instance, CALLER())
        place, is_own = instance.master_keys.place, instance.master_keys.is_own
    if not count and not is_own and not is_signed:
        output.say(f"Everything already uses the first master key in {place}. Prepend a new one first.")
        return
    output.say(f"Encrypted {output.count(count, 'secret')} with master key {key.id.hex()} in {place}.")


def rotate_in(instance: "Instance", caller: "Caller") -> "tuple[MasterKey, int, bool]":
    """Replace the master key. Returns it, how many secrets it encrypts, and whether it now signs the audit log.

    Safe to run again after a crash at any step. Raises ``Conflict`` if there is no master key yet, and ``CannotOpen``;
    then nothing was changed.
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
