"""``ari apply``: make the instance have what a file says."""
# Imports inside functions here: start-up speed.

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ari.base.errors import Invalid, Problem
from ari.cli import output
from ari.cli.data_file import read_data_file
from ari.cli.instances import open_deps
from ari.cli.options import AsJson, DataDir

if TYPE_CHECKING:
    from ari.deps import Deps
    from ari.keys.commands.apply import AppliedChange
    from ari.keys.configuration import Configuration

ApplyNow = Annotated[bool, typer.Option("--yes", "-y", help="Apply the changes instead of listing them.")]


def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .toml or .json file.", show_default=False)],
    yes: ApplyNow = False,
    prune: Annotated[bool, typer.Option("--prune", help="Also remove what the file's sections don't list.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Prune scopes even from keys and presets that list them.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Declare scopes, presets, kinds and rules for all keys from a file. Without --yes, only lists the changes.

    All changes are made in one transaction. Applying the same file again changes nothing.
    """
    from ari.keys.configuration import parse_configuration

    with name_entry(file):
        wanted = parse_configuration(read_data_file(file))
        with open_deps(data_dir) as deps:
            apply_or_list(deps, wanted, yes=yes, prune=prune, force=force, as_json=as_json)


@contextmanager
def name_entry(file: Path) -> Iterator[None]:
    """Name the file and the path of the entry in the sentences of ``Invalid``."""
    try:
        yield
    except Invalid as error:
        problems = (Problem(one.location, _place(file, one) + one.message) for one in error.problems)
        raise Invalid(*problems) from None


def _place(file: Path, problem: Problem) -> str:
    return f"{file}: " if problem.location in ("file", "document") else f"{file}: {problem.location}: "


def apply_or_list(
    deps: "Deps",
    wanted: "Configuration",
    *,
    yes: bool,
    prune: bool = False,
    force: bool = False,
    as_json: bool = False,
) -> None:
    """Apply the configuration, or rehearse it; print the changes."""
    from ari.keys.commands.apply import apply, change_facts

    run = deps.do_sync if yes else deps.rehearse_sync
    changes = run(apply, wanted, prune, force=force or not yes)
    if as_json:
        output.as_json({"dry_run": not yes, "changes": [change_facts(one) for one in changes]})
    else:
        _show(changes, applied=yes, force=force)


def _show(changes: "Sequence[AppliedChange]", *, applied: bool, force: bool) -> None:
    from ari.keys.commands.apply import SIGNS

    for one in changes:
        keys = f" (also from {output.count(one.key_count, 'active key')})" if one.key_count else ""
        output.say(f"{SIGNS[one.action]} {one.kind} {one.name}{keys}")
    if not changes:
        output.say("Nothing to change.")
    elif applied:
        output.say(f"Applied {output.count(len(changes), 'change')}.")
    else:
        forced = " and --force" if not force and any(one.needs_force for one in changes) else ""
        output.tell(f"Nothing was changed yet. Apply with --yes{forced}.")
