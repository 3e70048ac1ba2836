"""The command ``ari``."""
# Imports inside functions here: start-up speed.

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from ari import __version__
from ari.base.errors import AriError, for_operator
from ari.base.extras import explain_missing
from ari.cli import output
from ari.cli.chosen_instance import choose_remote
from ari.cli.command_app import CommandApp
from ari.cli.lazy_commands import LazyGroup, list_lazy

_READER_LEFT = 141
"""Exit status if nobody reads the output any more, as shells report SIGPIPE."""
_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


@contextmanager
def _refine_failures() -> Iterator[None]:
    """Cut keys in messages about wrong usage, which repeat words of the command line, and end as shells expect.

    Typer itself ends with 1 if nobody reads the output.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        output.discard()
        raise typer.Exit(_READER_LEFT) from None
    except TyperException as error:
        from ari.base.secrets_in_text import cut_secrets

        error.message = cut_secrets(error.message)
        raise


class _Root(LazyGroup):
    def make_context(self, *args: Any, **options: Any) -> Any:
        """Called by Typer with the words of the command line."""
        with _refine_failures():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Called by Typer to run the command."""
        with _refine_failures():
            return super().invoke(ctx)

    lazy = list_lazy(
        ("serve", "serve:serve", "Start the server. The first run prints a one-time setup link."),
        (
            "migrate",
            "migrate:migrate",
            "Migrate the database to the current schema (ari serve does this automatically).",
        ),
        (
            "apply",
            "apply:apply",
            (
                "Declare scopes, kinds, rules, upstreams, models, prices and budgets from a file. "
                "Without --yes, only lists the changes, with old and new values."
            ),
        ),
        (
            "doctor",
            "doctor:doctor",
            "Check configuration and health: a line for each area that is well, and everything else.",
        ),
        (
            "backup",
            "backup:app",
            "Back up everything to one file, and list and verify scheduled backups. Safe while ARI is running.",
        ),
        (
            "restore",
            "restore_backup:restore",
            "Verify a backup and restore it. Restored keys are disabled unless you pass --trust-keys.",
        ),
        ("keys", "keys:app", "Create, import, list, change, revoke and delete API keys."),
        ("kinds", "kinds:app", "Manage kinds of keys, each with its own prefix and defaults."),
        ("scopes", "scopes:app", "Manage scopes: your own API's and ARI's."),
        ("me", "calling_key:app", "Show, rotate and revoke the key you call a remote instance with."),
        ("policy", "policy:app", "Show and change the rules for all keys."),
        ("consumers", "consumers:app", "Create, list, change and delete consumers."),
        ("presets", "presets:app", "Manage presets: named lists of scopes for new keys."),
        ("integrations", "integrations:app", "Manage provider keys (OpenAI, Anthropic, …)."),
        ("models", "models:app", "Manage other names for AI models."),
        ("prices", "prices:app", "Show and set your own prices of AI models, and discounts."),
        ("budgets", "budgets:app", "Manage the budgets of the instance and its providers."),
        ("upstreams", "upstreams:app", "Manage named OpenAI-compatible services."),
        ("usage", "usage:app", "View and export the usage log."),
        ("events", "events:app", "View and export the audit log. Without a command: list."),
        ("audit", "audit:app", "Copy, verify, sign and shorten the audit log."),
        ("notifications", "notifications:app", "Manage email notifications."),
        ("webhooks", "webhooks:app", "Send events to your own URLs, and see their deliveries."),
        ("scan", "scan:app", "Find leaked keys in files and git history."),
        ("account", "account:app", "View the owner account; reset its password or email."),
        ("master-key", "master_key:app", "Manage the encryption master key."),
        ("database", "database:app", "Check and accept the database after a failover."),
    )


app = CommandApp(
    cls=_Root,
    name="ari",
    help="ARI: self-hosted API keys. Create, monitor, expire and revoke them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"ari {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[  # noqa: ARG001 - its callback runs
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="Work on a remote instance (env: ARI_URL).", show_default=False),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file",
            metavar="FILE",
            help="File with the API key for it (env: ARI_KEY_FILE, or the key itself in ARI_KEY).",
            show_default=False,
        ),
    ] = None,
) -> None:
    choose_remote(url, key_file)


def main() -> NoReturn:
    """Run the command line. Every failure is one sentence on standard error."""
    _require_streams()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal without UTF-8 must not crash us
    try:
        app(prog_name="ari")
    except AriError as error:
        _fail(for_operator(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        output.discard()  # or Python complains again while it ends
        sys.exit(_READER_LEFT)
    except OSError as error:
        if error.errno not in _CANNOT_WRITE:
            _fail_unexpectedly(error)
        output.discard()
        _fail(f"Can't write: {error.strerror}.")
    except ModuleNotFoundError as error:
        sentence = explain_missing(error, "server")
        if sentence is None:
            _fail_unexpectedly(error)
        _fail(sentence)
    except Exception as error:  # noqa: BLE001 - no failure shows a traceback
        _fail_unexpectedly(error)
    sys.exit(0)


def _require_streams() -> None:
    """Replace closed standard streams, whose numbers the next files would get; without an output, refuse to begin."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - for the whole process
    is_closed = sys.stdout is None
    if is_closed:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the whole process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for the whole process
    if is_closed:
        _fail("Standard output is closed. Nothing was done.")


def _fail(sentence: str) -> NoReturn:
    output.tell(f"ari: {sentence}")
    sys.exit(1)


def _fail_unexpectedly(error: Exception) -> NoReturn:
    """Print only the type of the error: its message may contain a value (security.md 7)."""
    if os.environ.get("ARI_LOG_LEVEL", "").lower() == "debug":
        import traceback

        from ari.base.secrets_in_text import cut_secrets, mask_passwords

        print(cut_secrets(mask_passwords("".join(traceback.format_exception(error)))), file=sys.stderr)
    _fail(f"Unexpected error ({type(error).__name__}). Set ARI_LOG_LEVEL=debug for details.")
