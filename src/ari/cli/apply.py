"""``ari apply``: make the instance have what a file says."""
# Imports inside functions here: start-up speed.

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ari.base.errors import Invalid, Problem
from ari.cli import output
from ari.cli.data_file import read_data_file
from ari.cli.options import AsJson, DataDir
from ari.cli.targets import open_target
from ari.cli.unpriced_models import warn_about_unpriced

ApplyNow = Annotated[bool, typer.Option("--yes", "-y", help="Apply the changes instead of listing them.")]


def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .toml or .json file.", show_default=False)],
    yes: ApplyNow = False,
    prune: Annotated[bool, typer.Option("--prune", help="Also remove what the file's sections don't list.")] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Prune scopes that are in use, and change upstreams even if that deletes their keys."
        ),
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Declare scopes, kinds, rules, upstreams, models, prices and budgets from a file. Without --yes, only lists the
    changes, with old and new values.

    All changes are made in one transaction. Applying the same file again changes nothing.
    """
    from ari.keys.configuration import parse_configuration

    with name_entry(file):
        wanted: Any = read_data_file(file)
        parse_configuration(wanted)
        with open_target(data_dir) as target:
            changes = target.scopes.apply(wanted, dry_run=not yes, prune=prune, force=force)
            show_changes(changes, applied=yes, force=force, as_json=as_json)
            warn_about_unpriced(target, _list_changed_budgets(wanted, changes))


def _list_changed_budgets(wanted: dict[str, Any], changes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The file's budgets of the instance and of providers, if any is changed, and those of changed kinds."""
    set_ = {(one["kind"], one["name"]) for one in changes if one["action"] != "remove"}
    found = list[dict[str, Any]]()
    if any(kind == "budget" for kind, _ in set_):
        found += wanted.get("instance_budgets") or ()
        found += (one for budgets in (wanted.get("provider_budgets") or {}).values() for one in budgets)
    for name, fields in (wanted.get("kinds") or {}).items():
        if ("kind", name) in set_:
            found += fields.get("budgets") or ()
    return found


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


def show_changes(changes: Sequence[dict[str, Any]], *, applied: bool, force: bool = False, as_json: bool) -> None:
    """Print the changes that a file made, or would make."""
    from ari.keys.commands.apply import SIGNS

    if as_json:
        output.as_json({"dry_run": not applied, "changes": list(changes)})
        return
    for one in changes:
        keys = f" (also from {output.count(one['key_count'], 'active key')})" if one["key_count"] else ""
        output.say(f"{SIGNS[one['action']]} {one['kind']} {one['name']}{keys}")
        for field in one["fields"]:
            old, new = ("none" if value is None else value for value in (field["old"], field["new"]))
            output.say(f"    {field['field']}: {old} → {new}")
    if not changes:
        output.say("Nothing to change.")
    elif applied:
        output.say(f"Applied {output.count(len(changes), 'change')}.")
    else:
        forced = " and --force" if not force and any(one["needs_force"] for one in changes) else ""
        output.tell(f"Nothing was changed yet. Apply with --yes{forced}.")
