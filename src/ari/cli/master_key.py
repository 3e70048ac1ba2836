"""``ari master-key``: rotate the key that encrypts secrets."""
# Imports inside functions here: start-up speed.

from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from ari.backups.ports import BackupTransaction
from ari.backups.state import want_new
from ari.base.audit import AuditTransaction
from ari.base.master_key import MasterKey, MasterKeys
from ari.base.seal import SealedTransaction, forget_unused, reseal_all
from ari.base.transaction import record
from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.instances import open_deps
from ari.cli.options import DataDir, Yes

if TYPE_CHECKING:
    from ari.deps import Deps
    from ari.instance import Instance

_DiscardOld = Annotated[
    bool, typer.Option("--discard-old", help="Don't keep the old key, which existing backups need. If it was exposed.")
]
app = CommandApp(no_args_is_help=True)


class RotationTransaction(AuditTransaction, BackupTransaction, SealedTransaction, Protocol):
    """One transaction over all that master keys encrypt and sign."""

    @property
    def master_keys(self) -> MasterKeys: ...


@app.callback()
def root() -> None:
    pass


@app.command()
def rotate(discard_old: _DiscardOld = False, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Rotate the master key. Safe while ARI is running.

    The audit log is signed with the new key too. Existing backups need the old key, which is kept in master.key.ID
    next to the new one, so make a new backup afterwards. If scheduled backups are on, one starts within a minute.

    If the key is in ARI_MASTER_KEY or ARI_MASTER_KEY_FILE, first prepend the new key, separated by a comma; remove
    the old one afterwards.
    """
    with open_deps(data_dir) as deps:
        instance = deps.instance
        place, is_own = instance.master_keys.place, instance.master_keys.is_own
        before = instance.master_keys.all()
        _confirm(instance, discard_old=discard_old, yes=yes)
        key, count, is_signed = rotate_in(deps, keep_files=not discard_old)
        removed = [one for one in before if is_own and one not in instance.master_keys.all()]
        kept = [] if discard_old else [instance.master_keys.name_aside(one) for one in removed]
        is_scheduled = instance.settings.backup_to is not None
    if not count and not is_own and not is_signed:
        output.say(f"Everything already uses the first master key in {place}. Prepend a new one first.")
        return
    output.say(f"Encrypted {output.count(count, 'secret')} with master key {key.id.hex()} in {place}.")
    for path in kept:
        output.say(f"The old key is kept in {path}. Delete it when no backup needs it anymore.")
    need = (
        "Existing backups can't be restored anymore" if is_own and discard_old else "Existing backups need the old key"
    )
    output.say(f"{need}. Make a new one now: ari backup {'now' if is_scheduled else 'FILE'}")


def _confirm(instance: "Instance", *, discard_old: bool, yes: bool) -> None:
    """Ask before a key is replaced. Where people configure it themselves, nothing is removed, and nothing is asked."""
    keys = instance.master_keys
    if not keys.is_own or not keys.all():
        return
    if discard_old:
        output.confirm("Rotate the master key? No existing backup can be restored or decrypted afterwards.", yes=yes)
    else:
        place = keys.name_aside(keys.all()[0])
        output.confirm(f"Rotate the master key? Existing backups need the old key, which is kept in {place}.", yes=yes)


def rotate_in(deps: "Deps", *, keep_files: bool = True) -> tuple[MasterKey, int, bool]:
    """Replace the master key, and keep the old one in a file of its own with ``keep_files``.

    Returns the new one, how many secrets it encrypts, and whether it now signs the audit log.
    Safe to run again after a crash at any step. Raises ``Conflict`` if there is no master key yet, and ``CannotOpen``;
    then nothing was changed.
    """
    done = deps.do_sync(_reseal)
    deps.do_sync(_forget_unused, keep_files=keep_files)
    return done


def _reseal(tx: RotationTransaction) -> tuple[MasterKey, int, bool]:
    keys = tx.master_keys
    key, count = reseal_all(tx.sealed, keys)
    is_signed = tx.events.marks.renew()
    if count or keys.is_own or is_signed:
        want_new(tx)
        record(tx, "master_key_rotated", None, {"secrets": count, "key": key.id.hex()})
    return key, count, is_signed


def _forget_unused(tx: RotationTransaction, *, keep_files: bool) -> None:
    forget_unused(tx.sealed, tx.master_keys, keep_files=keep_files)
