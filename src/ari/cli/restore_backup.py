"""``ari restore``."""
# Imports inside functions here: start-up speed.

from typing import TYPE_CHECKING, Annotated

import typer

from ari.base.caller import command_line_caller
from ari.base.clock import from_rfc3339
from ari.cli import output
from ari.cli.instances import read_settings
from ari.cli.options import DataDir
from ari.cli.output import count
from ari.cli.show_progress import show_progress

if TYPE_CHECKING:
    from ari.base.settings import Settings
    from ari.storage.backup.restore import Restored


def restore(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Backup file, s3://bucket/name, or latest or a name in ARI_BACKUP_TO.",
            show_default=False,
        ),
    ],
    trust_keys: Annotated[
        bool, typer.Option("--trust-keys", help="Keep keys enabled (may bring back keys revoked after the backup).")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the existing instance.")] = False,
    untrusted: Annotated[
        bool,
        typer.Option(
            "--untrusted", help="Accept a backup that this master key didn't sign. Keys are restored as disabled."
        ),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Verify a backup and restore it. Restored keys are disabled unless you pass --trust-keys.

    Put the master key that signed the backup in place first, and stop ARI on this instance.
    """
    if untrusted and trust_keys:
        raise typer.BadParameter("keys from an untrusted backup can't be kept enabled.", param_hint="--trust-keys")
    settings = read_settings(data_dir)
    from ari.base.clock import system_clock
    from ari.cli.backup_source import open_source
    from ari.storage.backup.restore import Terms, restore_backup

    now_ms = system_clock(settings.test_clock_file).now_ms()
    with open_source(settings, file) as source, source.open() as body, show_progress("Restoring") as progress:
        restored = restore_backup(
            settings, body, Terms(trust_keys, force, untrusted), command_line_caller(), now_ms, progress
        )
    _report(restored, settings, "" if source.name == file else f" ({source.name})")


def _report(restored: "Restored", settings: "Settings", source: str) -> None:
    rows = restored.rows
    keys, usage_rows = rows.get("api_keys", 0), rows.get("usage_log", 0)
    created = _moment(restored.manifest.created_at)
    output.say(f"Restored {count(keys, 'key')} and {count(usage_rows, 'usage row')} from {created}{source}.")
    signer = restored.signer
    by = f"{signer.instance} with key {signer.signature.fingerprint}" if signer else "nobody"
    if restored.is_trusted:
        output.say(f"Signed by {by}.")
    else:
        output.tell(
            f"The backup was NOT verified. It claims to be signed by {by}. Its author chose the owner's password, the "
            "provider URLs and every name: check them before you use this instance."
        )
    if rows.get("sealed_secrets") and not restored.is_trusted:
        from ari.storage.engine import master_keys_of

        place = master_keys_of(settings).place
        output.say(f"It contains encrypted secrets. Put their master key in {place} before you start ARI.")
    if restored.keys_disabled:
        were, them = ("was", "it") if restored.keys_disabled == 1 else ("were", "them")
        disabled = count(restored.keys_disabled, "key")
        output.say(f"{disabled} {were} restored as disabled. Review and enable {them}: ari keys enable ID")


def _moment(rfc3339: str) -> str:
    try:
        return output.moment(from_rfc3339(rfc3339))
    except ValueError:  # an untrusted backup may hold anything
        return rfc3339
