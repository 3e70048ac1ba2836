"""``ari backup``: to a file, and scheduled backups in ARI_BACKUP_TO."""
# Imports inside functions here: start-up speed.

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from ari.base.clock import to_rfc3339
from ari.base.errors import AriError, Conflict, NotFound, Unavailable
from ari.base.transaction import record
from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.default_command import group_with_default
from ari.cli.instances import open_deps, read_settings
from ari.cli.options import AsJson, DataDir
from ari.cli.output import count
from ari.cli.show_progress import show_progress

if TYPE_CHECKING:
    from ari.backups.ports import BackupTarget
    from ari.base.settings import Settings

File = Annotated[Path, typer.Argument(metavar="FILE", help="Backup file.", show_default=False)]
app = CommandApp(cls=group_with_default("file"))


@app.command("file")
def to_file(
    file: File,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Back up everything to one file. Safe while ARI is running; sessions are excluded.

    The file contains no usable keys, but it does contain password hashes and the usage log, so protect it like the
    data directory. The master key isn't included: back it up separately, or encrypted secrets can't be restored.
    """
    with open_deps(data_dir) as deps:
        instance = deps.instance
        with _create_whole(file, force=force) as target, show_progress("Backing up") as progress:
            written = instance.write_backup(target, instance.now_ms(), progress)
        detail = {
            "file": file.name,
            "keys": written.keys,
            "usage_rows": written.usage_rows,
            "signing_key": written.signed_by,
        }
        deps.do_sync(record, "backup_written", None, detail)
        place = instance.master_keys.place
    output.say(
        f"Wrote {file}: {count(written.keys, 'key')}, {count(written.events, 'event')}, "
        f"{count(written.usage_rows, 'usage row')}."
    )
    if instance.settings.usage_log_url is not None:
        output.tell("The rows of the usage log are in ClickHouse and not in this file. Back them up there.")
    if written.signed_by is None:
        output.tell(f"The backup isn't signed, because there is no master key in {place}. Restore it with --untrusted.")
    if written.sealed:
        output.tell(
            f"The backup doesn't include the master key. Back up {place} separately; without it "
            f"{count(written.sealed, 'encrypted secret')} can't be restored."
        )


@app.command()
def now(data_dir: DataDir = None) -> None:
    """Write a backup to ARI_BACKUP_TO at once, verify it, and remove those that ARI_BACKUP_KEEP doesn't keep."""
    with open_deps(data_dir) as deps, show_progress("Backing up") as progress:
        settings = deps.instance.settings
        place = _require_place(settings)
        from ari.instance import open_backup_target
        from ari.jobs.scheduled_backup import back_up

        written = back_up(deps, partial(open_backup_target, settings, place), force=True, progress=progress)
    if written is None:
        raise Conflict(
            "backup_running", "Another process is writing a backup now. If it was killed, try again after 5 minutes."
        )
    seconds = max(1, round(written.duration_ms / 1000))
    output.say(f"Wrote and verified {written.name}: {output.size(written.size_bytes)} in {count(seconds, 'second')}.")


@app.command("list")
def list_backups(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the backups in ARI_BACKUP_TO, newest first."""
    settings = read_settings(data_dir)
    from ari.backups.backup_name import BackupName, find_newest_of_each
    from ari.base.clock import system_clock

    target = _open_target(settings)
    found = [(name, one) for one in target.list_files() if (name := BackupName.parse(one.name)) is not None]
    found.sort(key=lambda pair: pair[0].at_ms, reverse=True)
    now_ms = system_clock(settings.test_clock_file).now_ms()
    ahead = sum(name.is_ahead(now_ms) for name, _ in found)
    if ahead:
        are = "backup is" if ahead == 1 else "backups are"
        output.tell(f"{ahead} {are} from the future: the clock is wrong now, or was wrong then.")
    newest = find_newest_of_each(name for name, _ in found)
    if len(newest) > 1:
        listed = ", ".join(str(one) for one in newest)
        output.tell(f"These are of several instances or restores, so latest is refused. The newest of each: {listed}")
    if as_json:
        items = [
            {"name": one.name, "time": to_rfc3339(name.at_ms), "bytes": one.size_bytes, "verified": name.verified}
            for name, one in found
        ]
        output.as_json({"place": target.place, "items": items})
        return
    rows = (
        (output.moment(name.at_ms), output.size(one.size_bytes), "yes" if name.verified else "no", one.name)
        for name, one in found
    )
    output.table(("TIME", "SIZE", "VERIFIED", "NAME"), rows, f"No backups in {target.place}.")


@app.command()
def verify(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of a backup, latest, or a file with a / in it.")
    ] = "latest",
    data_dir: DataDir = None,
) -> None:
    """Restore a backup into a temporary instance and check it. Changes nothing."""
    settings = read_settings(data_dir)
    from ari.base.clock import system_clock
    from ari.cli.backup_source import open_source
    from ari.storage.backup.trial import BackupFiles

    now_ms = system_clock(settings.test_clock_file).now_ms()
    with open_source(settings, name) as source, show_progress("Verifying") as progress:
        manifest = BackupFiles(settings).try_restore(source.path, source.work, now_ms, progress)
    keys, rows = manifest.tables["api_keys"].rows, manifest.tables["usage_log"].rows
    output.say(f"{source.name} can be restored: {count(keys, 'key')} and {count(rows, 'usage row')}.")


def _require_place(settings: "Settings") -> str:
    if settings.backup_to is None:
        raise NotFound("Scheduled backups are off. Set ARI_BACKUP_TO, or write one with ari backup FILE.")
    return settings.backup_to


def _open_target(settings: "Settings") -> "BackupTarget":
    place = _require_place(settings)
    from ari.instance import open_backup_target

    return open_backup_target(settings, place)


@contextmanager
def _create_whole(path: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """A file, mode 0600, that appears under its name only once it is complete."""
    if path.exists() and not path.is_file():
        raise Unavailable(f"{path} isn't a regular file. Choose another name.")
    if path.exists() and not force:
        raise Conflict("file_exists", f"{path} already exists. Use --force to overwrite.")
    target = path.resolve()  # a link stays a link
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except AriError:
        raise
    except OSError as error:
        raise Unavailable(f"Can't write {path}: {error.strerror}.") from None
