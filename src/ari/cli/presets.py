"""``ari presets``: list, save, reset and remove presets. The rules are in ``ari.keys``, as for every door."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.options import AsJson, DataDir, Scopes, Yes
from ari.cli.targets import open_target
from ari.keys.presets import PRESETS, Preset

PresetName = Annotated[
    str, typer.Argument(metavar="PRESET", help="Name of the preset, e.g. read-only.", show_default=False)
]

app = CommandApp(no_args_is_help=True)


@app.command("list")
def list_(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List presets and their scopes."""
    with open_target(data_dir) as target:
        found = target.presets.list_all()
    if as_json:
        output.as_json({"items": found, "next_cursor": None})
        return
    rows = [
        (one["name"], one["label"], "default" if one["default"] else "", " ".join(one["scopes"]), one["description"])
        for one in found
    ]
    output.table(("PRESET", "LABEL", "DEFAULT", "SCOPES", "DESCRIPTION"), rows, "", droppable=2)


@app.command("set")
def set_(
    name: PresetName,
    label: Annotated[
        str | None, typer.Option("--label", metavar="TEXT", help="Name for people.", show_default=False)
    ] = None,
    description: Annotated[
        str | None,
        typer.Option("--description", metavar="TEXT", help="What a key may do.", show_default=False),
    ] = None,
    scope: Scopes = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Create a preset, or change the given parts of one. Keys keep their scopes."""
    with open_target(data_dir) as target:
        before = target.presets.find(name) or {"label": "", "description": "", "scopes": []}
        preset = target.presets.save(
            name,
            before["label"] if label is None else label,
            before["description"] if description is None else description,
            scope or before["scopes"],
        )
    if as_json:
        output.as_json(preset)
        return
    output.say(f"Saved {preset['label']} ({preset['name']}): {' '.join(preset['scopes'])}")


@app.command("default")
def choose_default(name: PresetName, data_dir: DataDir = None) -> None:
    """Make a preset the default for new keys."""
    with open_target(data_dir) as target:
        preset = target.presets.choose_default(name)
    scopes = " ".join(preset["scopes"])
    output.say(f"New keys get {preset['label']} ({scopes}) unless they are created with other scopes.")


@app.command()
def remove(name: PresetName, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Remove a preset, or reset a changed one of ARI's own (asks first). Keys keep their scopes."""
    with open_target(data_dir) as target:
        preset, own = target.presets.get(name), PRESETS.get(name)
        verb, done = ("Reset", "Reset") if own else ("Remove", "Removed")
        if own is None or not _is_same(preset, own):
            output.confirm(f"{verb} the preset {preset['label']} ({name})? Keys keep their scopes.", yes=yes)
        target.presets.remove(name)
    output.say(f"{done} {name}.")


def _is_same(preset: Mapping[str, Any], own: Preset) -> bool:
    """Whether one of ARI's own presets is unchanged."""
    return (preset["label"], preset["description"], tuple(preset["scopes"])) == (own.label, own.description, own.scopes)
