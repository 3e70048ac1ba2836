"""``ari restore``."""
# Imports inside functions here: start-up speed.

from typing import TYPE_CHECKING, Annotated

import typer

from ari.base.caller import command_line_caller
from ari.base.clock import from_rfc3339
from ari.base.errors import ConfigurationError
from ari.cli import output
from ari.cli.instances import read_settings
from ari.cli.options import DataDir
from ari.cli.output import count
from ari.cli.show_progress import show_progress

if TYPE_CHECKING:
    from ari.base.settings import Settings
    from ari.storage.backup.archive import Manifest
    from ari.storage.backup.restore import Restored
    from ari.storage.backup.signature import Signer


_File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="Backup file, s3://bucket/name, or latest or a name in ARI_BACKUP_TO.",
        show_default=False,
    ),
]
_TrustKeys = Annotated[
    bool, typer.Option("--trust-keys", help="Keep keys enabled (may bring back keys revoked after the backup).")
]
_Force = Annotated[bool, typer.Option("--force", help="Overwrite the existing instance.")]
_Untrusted = Annotated[
    bool,
    typer.Option(
        "--untrusted", help="Accept a backup that this master key didn't sign. Keys are restored as disabled."
    ),
]
_DatabaseName = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="NAME",
        help="Name of the database in ARI_DATABASE_URL, to restore into it despite --data-dir.",
        show_default=False,
    ),
]


def restore(
    file: _File,
    trust_keys: _TrustKeys = False,
    force: _Force = False,
    untrusted: _Untrusted = False,
    database: _DatabaseName = None,
    data_dir: DataDir = None,
) -> None:
    """Verify a backup and restore it. Restored keys are disabled unless you pass --trust-keys.

    Put the master key that signed the backup in place first, and stop ARI on this instance.
    """
    if untrusted and trust_keys:
        raise typer.BadParameter("keys from an untrusted backup can't be kept enabled.", param_hint="--trust-keys")
    settings = read_settings(data_dir)
    target = _name_target(settings, database, is_folder_given=data_dir is not None)
    from ari.base.clock import system_clock
    from ari.cli.backup_source import open_source
    from ari.storage.backup.restore import Terms, restore_backup

    now_ms = system_clock(settings.test_clock_file).now_ms()
    with open_source(settings, file) as source, source.open() as body, show_progress("Restoring") as progress:

        def announce(manifest: "Manifest", signer: "Signer | None") -> None:
            source.check_name(manifest, signer)
            output.say(f"Restoring the backup of {_moment(manifest.created_at)} into {target}.")

        terms = Terms(trust_keys, force, untrusted)
        restored = restore_backup(settings, body, terms, command_line_caller(), now_ms, progress, announce)
    _report(restored, settings, "" if source.name == file else f" ({source.name})")


def _name_target(settings: "Settings", database: str | None, *, is_folder_given: bool) -> str:
    """The instance that is replaced. Raises ``ConfigurationError`` if the command doesn't say which one is meant."""
    if settings.database_url is None:
        if database is not None:
            raise ConfigurationError("ARI_DATABASE_URL isn't set, so there is no database for --database.")
        return f"the data directory {settings.data_dir}"
    from ari.storage.database_url import parse

    url = parse(settings.database_url.get_secret_value())
    target, name = f"the database {url.mask()}", url.given.get("dbname", "")
    if database is None and is_folder_given:
        raise ConfigurationError(
            f"ARI_DATABASE_URL is set, so this would restore into {target} and not into {settings.data_dir}. "
            f"Unset it to restore into the directory, or pass --database {name}."
        )
    if database is not None and database != name:
        raise ConfigurationError(f"--database names {database}, but ARI_DATABASE_URL names {target}.")
    return target


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
    if rows.get("accounts"):
        output.say("The owner's password and two-factor authentication are those of the backup.")
    if restored.codes_voided:
        output.say("Its backup codes don't work anymore, because they may have been used since: make new ones.")
    if restored.keys_disabled:
        _report_disabled(restored.keys_disabled, is_trusted=restored.is_trusted)
    waiting = len(set(restored.waiting_ids) - set(restored.disabled_ids)) if restored.is_trusted else 0
    if waiting:
        wait, them = ("waits", "it") if waiting == 1 else ("wait", "them")
        output.say(
            f"{count(waiting, 'key')} {wait} since an earlier restore that disabled {them}. Review {them}, then enable "
            f"{them}: ari keys enable-restored"
        )


def _report_disabled(disabled: int, *, is_trusted: bool) -> None:
    were, them = ("was", "it") if disabled == 1 else ("were", "them")
    output.say(f"{count(disabled, 'key')} {were} restored as disabled, because a key may have been revoked since.")
    if is_trusted:
        output.say(f"Review {them}, revoke what must not work again, then enable the rest: ari keys enable-restored")
    else:
        output.say(f"Review {them}, and enable each that you know: ari keys enable ID")


def _moment(rfc3339: str) -> str:
    return output.moment(from_rfc3339(rfc3339))
