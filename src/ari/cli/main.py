"""The command ``ari``."""
# Imports inside functions here: start-up speed.

import os
import sys
from typing import Annotated, NoReturn

import typer

from ari import __version__
from ari.base.errors import AriError, for_operator
from ari.cli import (
    account,
    apply,
    audit,
    backup,
    consumers,
    database,
    doctor,
    events,
    integrations,
    keys,
    kinds,
    master_key,
    migrate,
    notifications,
    output,
    policy,
    presets,
    scan,
    scopes,
    serve,
    usage,
)
from ari.cli.command_app import CommandApp

app = CommandApp(
    name="ari",
    help="ARI: self-hosted API keys. Create, monitor, expire and revoke them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serve.serve)
app.command("migrate")(migrate.migrate)
app.add_typer(keys.app, name="keys")
app.add_typer(kinds.app, name="kinds")
app.add_typer(scopes.app, name="scopes")
app.add_typer(policy.app, name="policy")
app.add_typer(consumers.app, name="consumers")
app.add_typer(presets.app, name="presets")
app.command("apply")(apply.apply)
app.add_typer(integrations.app, name="integrations")
app.add_typer(usage.app, name="usage")
app.add_typer(events.app, name="events")
app.add_typer(audit.app, name="audit")
app.add_typer(notifications.app, name="notifications")
app.add_typer(scan.app, name="scan")
app.add_typer(account.app, name="account")
app.add_typer(master_key.app, name="master-key")
app.add_typer(database.app, name="database")
app.command("doctor")(doctor.doctor)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"ari {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> NoReturn:
    """Run the command line. Every failure is one sentence on standard error."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal without UTF-8 must not crash us
    try:
        app(prog_name="ari")
    except AriError as error:
        _fail(for_operator(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains again while it ends
        sys.exit(141)
    except Exception as error:  # noqa: BLE001 - no failure shows a traceback
        _fail_unexpectedly(error)
    sys.exit(0)


def _fail(sentence: str) -> NoReturn:
    output.tell(f"ari: {sentence}")
    sys.exit(1)


def _fail_unexpectedly(error: Exception) -> NoReturn:
    """Print only the type of the error: its message may contain a value (security.md 7)."""
    if os.environ.get("ARI_LOG_LEVEL", "").lower() == "debug":
        import traceback

        from ari.base.secrets_in_text import mask_passwords

        print(mask_passwords("".join(traceback.format_exception(error))), file=sys.stderr)
    _fail(f"Unexpected error ({type(error).__name__}). Set ARI_LOG_LEVEL=debug for details.")
