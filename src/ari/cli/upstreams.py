"""``ari upstreams``: named OpenAI-compatible services."""

from typing import Annotated

import typer

from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.options import AsJson, DataDir, Yes
from ari.cli.targets import open_target

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name in URLs and scopes, e.g. vllm-a.", show_default=False)]

app = CommandApp(no_args_is_help=True)


@app.command("list")
def list_(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the named upstreams and their status."""
    with open_target(data_dir) as target:
        found = target.integrations.list_upstreams()
    if as_json:
        output.as_json({"items": found, "next_cursor": None})
        return
    rows = [
        (one["provider"], one["title"], one["state"].replace("_", " "), len(one["keys"]), one["base_url"] or "")
        for one in found
    ]
    output.table(("NAME", "TITLE", "STATE", "KEYS", "BASE URL"), rows, "No named upstreams.", droppable=1)


@app.command()
def add(
    name: Name,
    url: Annotated[str, typer.Argument(metavar="URL", help="Base URL, with or without /v1.", show_default=False)],
    title: Annotated[str | None, typer.Option("--title", help="Name for people (default: NAME).")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Add an OpenAI-compatible service, served at /api/ai/NAME/v1/…"""
    with open_target(data_dir) as target:
        added = target.integrations.add_upstream(name, title or name, url)
    if as_json:
        output.as_json(added)
        return
    output.say(
        f"Added {added['provider']} at {added['base_url']}. Keys reach it with the scope ai:{added['provider']}."
    )
    output.tell(f"If it needs a key: ari integrations set {added['provider']}")


@app.command()
def remove(name: Name, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Remove a named upstream with its keys, budgets, prices and aliases. Anything using it stops immediately."""
    with open_target(data_dir) as target:
        known = any(one["provider"] == name for one in target.integrations.list_upstreams())
        if known:
            what = f"{name} with its keys, budgets, prices and aliases"
            question = f"Remove {what}? Anything using it stops working immediately."
            output.confirm(question, yes=yes)
        target.integrations.remove_upstream(name)
    output.say(f"Removed {name}.")
