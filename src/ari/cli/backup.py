"""``ari backup``: to a file, and scheduled backups in ARI_BACKUP_TO."""
# Imports inside functions here: start-up speed.

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from ari.base.clock import to_rfc3339
from ari.base.errors import AriError, Conflict, NotFound, Unavailable
from ari.base.own_files import is_own_file
from ari.base.transaction import record
from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.default_command import group_with_default
from ari.cli.instances import open_deps, read_settings
from ari.cli.options import AsJson, DataDir
from ari.cli.output import count
from ari.cli.show_progress import show_progress

if TYPE_CHECKING:
    from ari.backups.backup_name import BackupName
    from ari.backups.ports import BackupTarget, StoredFile
    from ari.base.settings import Settings

_MAX_COMPARED = 200
"""Each of them is two requests to a service."""
File = Annotated[Path, typer.Argument(metavar="FILE", help="Backup file.", show_default=False)]
app = CommandApp(cls=group_with_default("file"), no_args_is_help=True)


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
        with _create_whole(file, instance.settings, force=force) as target, show_progress("Backing up") as progress:
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
    """List the backups in ARI_BACKUP_TO, newest first, and those whose name doesn't say what they are."""
    settings = read_settings(data_dir)
    from ari.backups.backup_name import find_newest_of_each, is_partial
    from ari.base.clock import system_clock

    target = _open_target(settings)
    files = target.list_files()
    _tell_unfinished([one.name for one in files if is_partial(one.name)])
    found = list(_look_at(target, files))
    found.sort(key=lambda one: (one.at_ms, one.name.lineage if one.name else "", one.file.name), reverse=True)
    names = [one.name for one in found if one.name is not None]
    now_ms = system_clock(settings.test_clock_file).now_ms()
    ahead = sum(name.is_ahead(now_ms) for name in names)
    if ahead:
        are = "backup is" if ahead == 1 else "backups are"
        output.tell(f"{ahead} {are} from the future: the clock is wrong now, or was wrong then.")
    newest = find_newest_of_each(names)
    if len(newest) > 1:
        listed = ", ".join(str(one) for one in newest)
        output.tell(f"These are of several instances or restores, so latest is refused. The newest of each: {listed}")
    for one in found:
        if one.problem is not None:
            output.tell(one.problem)
    if as_json:
        output.as_json({"place": target.place, "items": [one.to_json() for one in found]})
        return
    rows = (
        (output.moment(one.at_ms), output.size(one.file.size_bytes), "yes" if one.verified else "no", one.file.name)
        for one in found
    )
    output.table(("TIME", "SIZE", "VERIFIED", "NAME"), rows, f"No backups in {target.place}.")


@dataclass(frozen=True, slots=True)
class _ListedBackup:
    """A file of the list; ``problem`` is a sentence if its name doesn't say what it is."""

    file: "StoredFile"
    name: "BackupName | None"
    at_ms: int
    problem: str | None

    @property
    def verified(self) -> bool:
        return self.problem is None and self.name is not None and self.name.verified

    def to_json(self) -> dict[str, object]:
        return {
            "name": self.file.name,
            "time": to_rfc3339(self.at_ms),
            "bytes": self.file.size_bytes,
            "verified": self.verified,
            "problem": self.problem,
        }


def _look_at(target: "BackupTarget", files: "Sequence[StoredFile]") -> Iterator[_ListedBackup]:
    """The backups among the files. The newest are compared with their names, which reads a little of each."""
    from ari.backups.backup_name import BackupName, is_partial
    from ari.storage.backup.stored_backup import find_problem

    named = [(BackupName.parse(one.name), one) for one in files if not is_partial(one.name)]
    named.sort(key=lambda pair: -1 if pair[0] is None else pair[0].at_ms, reverse=True)
    others = [pair for pair in named if pair[0] is None][:_MAX_COMPARED]
    for number, (name, file) in enumerate([*(pair for pair in named if pair[0] is not None), *others]):
        is_compared = name is None or number < _MAX_COMPARED
        at_ms, problem = find_problem(target, file.name) if is_compared else (None, None)
        if name is not None or at_ms is not None:
            yield _ListedBackup(file, name, at_ms if at_ms is not None else name.at_ms if name else 0, problem)


def _tell_unfinished(names: list[str]) -> None:
    if names:
        are = "backup is" if len(names) == 1 else "backups are"
        output.tell(
            f"{len(names)} {are} unfinished: {', '.join(names)}. A killed process may have left it: "
            "then a later backup removes it after a day."
        )


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
        manifest = BackupFiles(settings).try_restore(source.path, source.work, now_ms, progress, source.check_name)
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
def _create_whole(path: Path, settings: "Settings", *, force: bool) -> Iterator[IO[bytes]]:
    """A file, mode 0600, that appears under its name only once it is complete."""
    if is_own_file(path, settings.data_dir, [settings.master_key_file, settings.audit_file]):
        raise Unavailable(f"{path} is a file of ARI's own, which a backup can't replace. Choose another name.")
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
