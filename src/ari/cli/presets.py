"""``ari presets``: list, save, reset and remove presets. The rules are in ``ari.keys``, as for every door."""

from typing import Annotated

import typer

from ari import keys
from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.instances import open_deps
from ari.cli.options import AsJson, DataDir, Scopes, Yes
from ari.keys.presets import PRESETS, Preset

PresetName = Annotated[
    str, typer.Argument(metavar="PRESET", help="Name of the preset, e.g. read-only.", show_default=False)
]

app = CommandApp(no_args_is_help=True)


@app.command("list")
def list_(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List presets and their scopes."""
    with open_deps(data_dir) as deps:
        presets, default = deps.read_sync(keys.list_presets), deps.read_sync(keys.get_default_preset)
    found = [keys.preset_facts(preset, default) for preset in presets.values()]
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
    with open_deps(data_dir) as deps:
        before = deps.read_sync(keys.list_presets).get(name, Preset(name, "", "", ()))
        wanted = Preset(
            name,
            before.label if label is None else label,
            before.description if description is None else description,
            tuple(scope) if scope else before.scopes,
        )
        preset = deps.do_sync(keys.save_preset, wanted)
        if as_json:
            output.as_json(keys.preset_facts(preset, deps.read_sync(keys.get_default_preset)))
            return
    output.say(f"Saved {preset.label} ({preset.name}): {' '.join(preset.scopes)}")


@app.command("default")
def choose_default(name: PresetName, data_dir: DataDir = None) -> None:
    """Make a preset the default for new keys."""
    with open_deps(data_dir) as deps:
        preset = deps.do_sync(keys.choose_default_preset, name)
    output.say(f"New keys get {preset.label} ({' '.join(preset.scopes)}) unless they are created with other scopes.")


@app.command()
def remove(name: PresetName, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Remove a preset, or reset a changed one of ARI's own (asks first). Keys keep their scopes."""
    with open_deps(data_dir) as deps:
        preset = deps.read_sync(keys.get_preset, name)
        verb, done = ("Reset", "Reset") if name in PRESETS else ("Remove", "Removed")
        if preset is not PRESETS.get(name):
            output.confirm(f"{verb} the preset {preset.label} ({name})? Keys keep their scopes.", yes=yes)
        deps.do_sync(keys.remove_preset, name)
    output.say(f"{done} {name}.")
