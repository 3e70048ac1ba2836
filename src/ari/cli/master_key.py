"""``ari master-key``: rotate the key that encrypts secrets."""
# Imports inside functions here: start-up speed.

from typing import TYPE_CHECKING, Protocol

from ari.base.audit import AuditTransaction
from ari.base.master_key import MasterKey, MasterKeys
from ari.base.seal import SealedTransaction, forget_unused, reseal_all
from ari.base.transaction import record
from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.instances import open_deps
from ari.cli.options import DataDir

if TYPE_CHECKING:
    from ari.deps import Deps

app = CommandApp(no_args_is_help=True)


class RotationTransaction(AuditTransaction, SealedTransaction, Protocol):
    """One transaction over all that master keys encrypt and sign."""

    @property
    def master_keys(self) -> MasterKeys: ...


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
    with open_deps(data_dir) as deps:
        key, count, is_signed = rotate_in(deps)
        instance = deps.instance
        place, is_own = instance.master_keys.place, instance.master_keys.is_own
    if not count and not is_own and not is_signed:
        output.say(f"Everything already uses the first master key in {place}. Prepend a new one first.")
        return
    output.say(f"Encrypted {output.count(count, 'secret')} with master key {key.id.hex()} in {place}.")


def rotate_in(deps: "Deps") -> tuple[MasterKey, int, bool]:
    """Replace the master key. Returns it, how many secrets it encrypts, and whether it now signs the audit log.

    Safe to run again after a crash at any step. Raises ``Conflict`` if there is no master key yet, and ``CannotOpen``;
    then nothing was changed.
    """
    done = deps.do_sync(_reseal)
    deps.do_sync(_forget_unused)
    return done


def _reseal(tx: RotationTransaction) -> tuple[MasterKey, int, bool]:
    keys = tx.master_keys
    key, count = reseal_all(tx.sealed, keys)
    is_signed = tx.events.marks.renew()
    if count or keys.is_own or is_signed:
        record(tx, "master_key_rotated", None, {"secrets": count, "key": key.id.hex()})
    return key, count, is_signed


def _forget_unused(tx: RotationTransaction) -> None:
    forget_unused(tx.sealed, tx.master_keys)
