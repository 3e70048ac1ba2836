"""``ari backup`` and ``ari restore``."""
# Imports inside functions here: start-up speed.

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from ari.base.caller import command_line_caller
from ari.base.clock import from_rfc3339
from ari.base.errors import AriError, Conflict, Unavailable
from ari.base.transaction import record
from ari.cli import output
from ari.cli.instances import open_deps, read_settings
from ari.cli.options import DataDir
from ari.cli.output import count

if TYPE_CHECKING:
    from ari.base.settings import Settings
    from ari.storage.backup.restore import Restored

File = Annotated[Path, typer.Argument(metavar="FILE", help="Backup file.", show_default=False)]


def backup(
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
        with _create_whole(file, force=force) as target, _show_progress("Backing up") as progress:
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
    if written.signed_by is None:
        output.tell(f"The backup isn't signed, because there is no master key in {place}. Restore it with --untrusted.")
    if written.sealed:
        output.tell(
            f"The backup doesn't include the master key. Back up {place} separately; without it "
            f"{count(written.sealed, 'encrypted secret')} can't be restored."
        )


def restore(
    file: File,
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
    from ari.storage.backup.restore import Terms, restore_backup

    now_ms = system_clock(settings.test_clock_file).now_ms()
    with _open_to_read(file) as source, _show_progress("Restoring") as progress:
        restored = restore_backup(
            settings, source, Terms(trust_keys, force, untrusted), command_line_caller(), now_ms, progress
        )
    _report(restored, settings)


def _report(restored: "Restored", settings: "Settings") -> None:
    rows = restored.rows
    keys, usage_rows = rows.get("api_keys", 0), rows.get("usage_log", 0)
    created = _moment(restored.manifest.created_at)
    output.say(f"Restored {count(keys, 'key')} and {count(usage_rows, 'usage row')} from {created}.")
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


@contextmanager
def _open_to_read(path: Path) -> Iterator[IO[bytes]]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise Unavailable(f"Can't read {path}: {error.strerror}.") from None
    with file:
        yield file


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


@contextmanager
def _show_progress(title: str) -> Iterator[Callable[[str, int, int], None]]:
    """A callback for progress: draws a bar at a terminal, does nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _table, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(title)

        def show(table: str, done: int, total: int) -> None:
            bars.update(bar, description=f"{title}: {table}", completed=done, total=total or None)

        yield show
