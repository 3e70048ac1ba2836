"""``ari scan``: find leaked keys, and write rules with which other scanners find them."""
# Imports inside functions here: start-up speed.

from pathlib import Path
from typing import Annotated

import typer

from ari.cli.command_app import CommandApp
from ari.cli.options import AsJson, DataDir
from ari.cli.time_args import one_of
from ari.keys.scanner_rules import SCANNERS, write_rules

FOUND, INCOMPLETE = 1, 2
"""Exit statuses."""

app = CommandApp(help="Find leaked keys in files and git history.", no_args_is_help=True)


@app.command()
def paths(
    path: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Files and folders to search.", show_default=False)
    ],
    history: Annotated[
        bool,
        typer.Option("--history", help="Also search everything that the git repositories of the paths ever stored."),
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Find ARI keys by their shape and checksum, without a server. Exits with 1 if there are any.

    Prints where they are and their prefixes, and on an instance also whose they are. Every file is searched, however
    large; symbolic links aren't followed, and archives aren't unpacked. Exits with 2 if nothing was found but something
    could not be read.
    """
    from ari.cli.scan.file_walk import search_path
    from ari.cli.scan.git_objects import search_history
    from ari.cli.scan.owners import find_owners
    from ari.cli.scan.places import ScanReport
    from ari.cli.scan.scan_output import show_report

    report = ScanReport()
    folders: set[tuple[int, int]] = set()
    repositories: set[bytes] = set()
    for one in path:
        search_path(one, report, folders)
        if history:
            search_history(one, report, repositories)
    tokens = dict.fromkeys(place.token for place in report.places)
    owners = find_owners(tokens, data_dir) if tokens or data_dir else None
    show_report(report, owners, as_json)
    if report.places:
        raise typer.Exit(FOUND)
    if not report.is_complete():
        raise typer.Exit(INCOMPLETE)


@app.command()
def rules(
    scanner: Annotated[
        str,
        typer.Argument(
            metavar="|".join(SCANNERS), parser=one_of(*SCANNERS), help="The scanner.", show_default="gitleaks"
        ),
    ] = "gitleaks",
    prefix: Annotated[
        list[str] | None,
        typer.Option("--prefix", metavar="PREFIX", help="Another prefix of keys (repeatable).", show_default=False),
    ] = None,
) -> None:
    """Print a rule with which gitleaks, TruffleHog or GitHub finds ARI keys by their shape."""
    print(write_rules(scanner, prefix or ()), end="")
