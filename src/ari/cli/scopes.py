"""``ari scopes``: list, declare, describe and remove scopes. The rules are in ``ari.keys``, as for every door."""

from pathlib import Path
from typing import Annotated

import typer

from ari import keys
from ari.cli import key_output, output
from ari.cli.apply import ApplyNow, apply_or_list, name_entry
from ari.cli.command_app import CommandApp
from ari.cli.data_file import read_data_file
from ari.cli.instances import open_deps
from ari.cli.options import AsJson, DataDir, Yes
from ari.keys.commands.presets import list_presets_with
from ari.keys.configuration import Configuration
from ari.keys.model import ApiKey
from ari.keys.openapi_scopes import find_scopes, keep_new
from ari.keys.ports import KeyTransaction
from ari.keys.presets import Preset
from ari.keys.scope_queries import scope_facts

ScopeName = Annotated[
    str, typer.Argument(metavar="SCOPE", help="Name of the scope, e.g. orders:read.", show_default=False)
]
Description = Annotated[
    str, typer.Argument(metavar="DESCRIPTION", help="What a key with the scope may do.", show_default=False)
]

app = CommandApp(no_args_is_help=True)


@app.command("list")
def list_(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List scopes and how many active keys hold each."""
    with open_deps(data_dir) as deps:
        found = deps.read_sync(keys.list_scopes)
    if as_json:
        output.as_json({"items": [scope_facts(scope) for scope in found], "next_cursor": None})
        return
    rows = [(one.name, "ARI" if one.is_built_in else "custom", one.key_count, one.description) for one in found]
    output.table(("SCOPE", "DECLARED BY", "KEYS", "DESCRIPTION"), rows, "", droppable=1)


@app.command()
def add(name: ScopeName, description: Description, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Declare a scope of your own API."""
    with open_deps(data_dir) as deps:
        scope = deps.do_sync(keys.declare_scope, name, description)
        if as_json:
            output.as_json(scope_facts(deps.read_sync(keys.read_scope, scope.name)))
            return
    output.say(f'Declared {scope.name}. Grant it: ari keys create "My client" --scope {scope.name}')


@app.command()
def describe(name: ScopeName, description: Description, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Change a scope's description."""
    with open_deps(data_dir) as deps:
        scope = deps.do_sync(keys.describe_scope, name, description)
        if as_json:
            output.as_json(scope_facts(deps.read_sync(keys.read_scope, scope.name)))
            return
    output.say(f"Described {scope.name}: {scope.description}")


@app.command()
def remove(name: ScopeName, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Remove a scope, and from the keys and presets that list it (asks first)."""

    def remove_agreed(tx: KeyTransaction) -> tuple[list[ApiKey], list[Preset]]:
        holders, presets = _list_losing(tx, name)
        force = yes or ({key.id for key in holders} <= agreed and {one.name for one in presets} <= agreed)
        return keys.remove_scope(tx, name, force=force), presets

    with open_deps(data_dir) as deps:
        holders, presets = deps.read_sync(_list_losing, name)
        agreed = {key.id for key in holders} | {one.name for one in presets}
        if agreed:
            output.confirm(f"Remove {name}, also from {_describe_losing(holders, presets)}?", yes=yes)
        holders, presets = deps.do_sync(remove_agreed)
    output.say(f"Removed {name} from {_count_losing(holders, presets)}." if holders or presets else f"Removed {name}.")


def _list_losing(tx: KeyTransaction, name: str) -> tuple[list[ApiKey], list[Preset]]:
    """The active keys and the presets that list the scope."""
    holders = keys.list_keys_losing(tx, name)
    return holders, list_presets_with(tx, set(keys.list_texts_removed_with(tx, name)))


def _describe_losing(holders: list[ApiKey], presets: list[Preset]) -> str:
    named = [f"“{key.name}” ({key.hint})" for key in holders[:_NAMED]]
    more = [output.count(len(holders) - _NAMED, "more key")] if len(holders) > _NAMED else []
    listed = ", ".join([*named, *more, *(f"preset {one.name}" for one in presets)])
    return f"{_count_losing(holders, presets)}: {listed}"


def _count_losing(holders: list[ApiKey], presets: list[Preset]) -> str:
    counted = [output.count(len(holders), "active key")] if holders else []
    return " and ".join([*counted, output.count(len(presets), "preset")] if presets else counted)


@app.command("keys")
def list_keys(name: ScopeName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the active keys that hold a scope, including by a wildcard."""
    with open_deps(data_dir) as deps:
        listed: list[ApiKey] = []
        while page := deps.read_sync(keys.list_keys_with_scope, name, listed[-1].id if listed else None, _PAGE):
            listed += page
        key_output.show_list(deps.instance, listed, as_json)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An OpenAPI document, as .json.", show_default=False)],
    yes: ApplyNow = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Declare the scopes that an OpenAPI document names. Without --yes, only lists them.

    Takes those of OAuth flows and security requirements. Scopes that are already declared keep their descriptions.
    """
    with name_entry(file):
        found = find_scopes(read_data_file(file))
    for name, reason in found.skipped.items():
        output.tell(f"Skipped {name}: {reason}")
    with open_deps(data_dir) as deps:
        wanted = Configuration(scopes=deps.read_sync(keep_new, found))
        apply_or_list(deps, wanted, yes=yes, as_json=as_json)


_NAMED = 5
_PAGE = 200
