"""``ari scopes``: list, declare, describe and remove scopes. The rules are in ``ari.keys``, as for every door."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ari.cli import key_output, output
from ari.cli.apply import ApplyNow, name_entry, show_changes
from ari.cli.command_app import CommandApp
from ari.cli.data_file import read_data_file
from ari.cli.key_output import Key
from ari.cli.options import AsJson, DataDir, Yes
from ari.cli.targets import open_target
from ari.keys.openapi_scopes import find_scopes

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
    with open_target(data_dir) as target:
        found = target.scopes.list_all()
    if as_json:
        output.as_json({"items": found, "next_cursor": None})
        return
    rows = [
        (one["name"], "ARI" if one["built_in"] else "custom", one["key_count"], one["description"]) for one in found
    ]
    output.table(("SCOPE", "DECLARED BY", "KEYS", "DESCRIPTION"), rows, "", droppable=1)


@app.command()
def add(name: ScopeName, description: Description, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Declare a scope of your own API."""
    with open_target(data_dir) as target:
        scope = target.scopes.add(name, description)
    if as_json:
        output.as_json(scope)
        return
    output.say(f'Declared {scope["name"]}. Grant it: ari keys create "My client" --scope {scope["name"]}')


@app.command()
def describe(name: ScopeName, description: Description, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Change a scope's description."""
    with open_target(data_dir) as target:
        scope = target.scopes.describe(name, description)
    if as_json:
        output.as_json(scope)
        return
    output.say(f"Described {scope['name']}: {scope['description']}")


@app.command()
def remove(name: ScopeName, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Remove a scope, and from the keys and presets that list it (asks first)."""
    with open_target(data_dir) as target:
        holders, presets = target.scopes.list_losing(name)
        if holders or presets:
            output.confirm(f"Remove {name}, also from {_describe_losing(holders, presets)}?", yes=yes)
        agreed = {key["id"] for key in holders}
        keys, others = target.scopes.remove(name, agreed, set(presets), force=yes)
    output.say(f"Removed {name} from {_count_losing(keys, others)}." if keys or others else f"Removed {name}.")


def _describe_losing(holders: Sequence[Key], presets: Sequence[str]) -> str:
    named = [f"“{key['name']}” ({key['hint']})" for key in holders[:_NAMED]]
    more = [output.count(len(holders) - _NAMED, "more key")] if len(holders) > _NAMED else []
    listed = ", ".join([*named, *more, *(f"preset {name}" for name in presets)])
    return f"{_count_losing(len(holders), len(presets))}: {listed}"


def _count_losing(keys: int, presets: int) -> str:
    counted = [output.count(keys, "active key")] if keys else []
    return " and ".join([*counted, output.count(presets, "preset")] if presets else counted)


@app.command("keys")
def list_keys(name: ScopeName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the active keys that hold a scope, including by a wildcard."""
    with open_target(data_dir) as target:
        key_output.show_list(target, target.scopes.list_holders(name), as_json)


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
        document = read_data_file(file)
        find_scopes(document)
    with open_target(data_dir) as target:
        found = target.scopes.import_document(document, dry_run=not yes)
    for one in found["skipped"]:
        output.tell(f"Skipped {one['name']}: {one['reason']}")
    show_changes(found["changes"], applied=yes, as_json=as_json)


_NAMED = 5
