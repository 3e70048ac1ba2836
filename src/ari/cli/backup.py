"""``ari backup`` and ``ari restore``."""
# Imports inside functions here: start-up speed.

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from ari.base.errors import AriError, Conflict, Unavailable
from ari.base.events import Event
from ari.base.ids import new_id
from ari.cli import output
from ari.cli.opening import CALLER, opened, settings_of
from ari.cli.options import DataDir

File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup's file.", show_default=False)]


def backup(
    file: File,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Write everything into one file, also while ARI serves; sign-in sessions stay out.

    The file holds no usable key, but password hashes and the usage log: keep it as safe as the data directory. The
    master key is not in it: keep that apart, or sealed secrets cannot be opened after a restore.
    """
    with opened(data_dir) as instance:
        from ari.storage.backup.write import write_backup

        with _new_file(file, force=force) as target, _progress("Backing up") as progress:
            written = write_backup(instance.database, target, instance.now_ms(), progress)
        now_ms, by = instance.now_ms(), CALLER()
        detail = {
            "file": file.name,
            "keys": written.keys,
            "usage_rows": written.usage_rows,
            "signing_key": written.signed_by,
        }
        event = Event(new_id("evt", now_ms), now_ms, "backup_written", by.actor, None, by.origin, detail)
        instance.command(by, lambda unit, _: unit.events.append(event))
        place = instance.master_keys.place
    output.say(f"Wrote {file}: {written.keys:,} keys, {written.events:,} events, {written.usage_rows:,} usage rows.")
    if written.signed_by is None:
        output.tell(f"It is not signed, because there is no master key in {place}: restoring it needs --untrusted.")
    if written.sealed:
        sealed = "1 sealed secret" if written.sealed == 1 else f"{written.sealed:,} sealed secrets"
        output.tell(f"The master key is not in it. Keep {place} apart: without it {sealed} cannot be opened.")


def restore(
    file: File,
    trust_keys: Annotated[
        bool, typer.Option("--trust-keys", help="Leave keys enabled that were so; a backup may revive revoked ones.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace all that is in this instance.")] = False,
    untrusted: Annotated[
        bool,
        typer.Option("--untrusted", help="Take a file that the master key here did not sign; no key stays enabled."),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Verify a backup whole, then put it into a new instance; its keys come back disabled.

    The master key that signed the backup must be in place before, or the file is refused. ARI must not be running on
    the instance.
    """
    if untrusted and trust_keys:
        raise typer.BadParameter("the keys of an untrusted backup are never left enabled", param_hint="--trust-keys")
    settings = settings_of(data_dir)
    from ari.base.clock import system_clock
    from ari.storage.backup.restore import Terms, restore_backup

    now_ms = system_clock(settings.test_clock_file).now_ms()
    with _existing_file(file) as source, _progress("Restoring") as progress:
        restored = restore_backup(settings, source, Terms(trust_keys, force, untrusted), CALLER(), now_ms, progress)
    rows = restored.rows
    keys, usage_rows = rows.get("api_keys", 0), rows.get("usage_rows", 0)
    output.say(f"Restored {keys:,} keys and {usage_rows:,} usage rows of {restored.manifest.created_at}.")
    signer = restored.signer
    by = f"{signer.instance} with the key {signer.signature.fingerprint}" if signer else "nobody"
    if restored.is_trusted:
        output.say(f"It was signed by {by}.")
    else:
        output.tell(
            f"It was NOT verified; it says that it was signed by {by}. Whoever wrote it chose the owner's password, "
            "the addresses of providers and every name: check them before you use this instance."
        )
    if rows.get("sealed_secrets") and not restored.is_trusted:
        from ari.storage.engine import master_keys_of

        place = master_keys_of(settings).place
        output.say(f"It holds sealed secrets: their master key must be in {place} before ARI starts.")
    if restored.keys_disabled:
        output.say(f"{restored.keys_disabled:,} keys are disabled until you look at each: ari keys enable ID")


@contextmanager
def _existing_file(path: Path) -> Iterator[IO[bytes]]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}.") from None
    with file:
        yield file


@contextmanager
def _new_file(path: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """A file that appears under its name only when it is whole, readable by its owner alone."""
    if path.exists() and not path.is_file():
        raise Unavailable(f"{path} is not a regular file; a backup cannot take its place.")
    if path.exists() and not force:
        raise Conflict("file_exists", f"{path} exists; --force overwrites it.")
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
        raise Unavailable(f"{path} cannot be written: {error.strerror}.") from None


@contextmanager
def _progress(title: str) -> Iterator[Callable[[str, int, int], None]]:
    """What tells how far the work is: a bar where a person watches, nothing elsewhere."""
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
