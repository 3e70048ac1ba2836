"""``ari scan``: find leaked keys, and write rules with which other scanners find them."""
# Imports inside functions here: start-up speed.

from pathlib import Path
from typing import Annotated

import typer

from ari.cli.command_app import CommandApp
from ari.cli.options import AsJson, DataDir, Yes
from ari.cli.time_args import one_of
from ari.keys.scanner_rules import SCANNERS, write_rules

FOUND, INCOMPLETE = 1, 2
"""Exit statuses."""

app = CommandApp(no_args_is_help=True)


@app.command()
def paths(
    path: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Files and folders to search.", show_default=False)
    ],
    history: Annotated[
        bool,
        typer.Option("--history", help="Also search everything that the git repositories of the paths ever stored."),
    ] = False,
    report: Annotated[
        bool,
        typer.Option("--report", help="Report the instance's keys as leaked, as POST /api/leaks does."),
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Find ARI keys by their shape and checksum, without a server. Exits with 1 if there are any.

    Prints where they are and their prefixes, and on an instance also whose they are. Every file is searched, however
    large; symbolic links aren't followed, and archives aren't unpacked. Exits with 2 if nothing was found but something
    could not be read. --report asks first if that disables or revokes any of the keys.
    """
    from ari.cli.scan.file_walk import search_path
    from ari.cli.scan.git_objects import search_history
    from ari.cli.scan.locations import ScanReport
    from ari.cli.scan.owners import find_owners
    from ari.cli.scan.reporting import report_locations
    from ari.cli.scan.scan_output import show_report

    found = ScanReport()
    folders: set[tuple[int, int]] = set()
    repositories: set[bytes] = set()
    for one in path:
        search_path(one, found, folders)
        if history:
            search_history(one, found, repositories)
    tokens = dict.fromkeys(location.token for location in found.locations)
    owners = find_owners(tokens, data_dir, required=report) if tokens or data_dir or report else None
    show_report(found, owners, as_json)
    if report and owners is not None:
        report_locations(found.locations, owners, data_dir, yes=yes)
    if found.locations:
        raise typer.Exit(FOUND)
    if not found.is_complete():
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
    data_dir: DataDir = None,
) -> None:
    """Print a rule for gitleaks, TruffleHog or GitHub that finds ARI keys by their shape.

    If there is an instance, the rule has the prefixes of its kinds of keys.
    """
    from ari.cli.scan.owners import read_prefixes

    print(write_rules(scanner, [*(read_prefixes(data_dir) or ()), *(prefix or ())]), end="")
