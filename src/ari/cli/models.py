"""``ari models``: other names for AI models."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from ari.base.errors import NotFound
from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.options import AsJson, DataDir
from ari.cli.targets import open_target
from ari.integrations.ai_rules.aliases import describe_routed_alias, find_routed_aliases

AliasName = Annotated[str, typer.Argument(metavar="ALIAS", help="Name that callers use.", show_default=False)]
Models = Annotated[
    list[str],
    typer.Argument(metavar="MODEL...", help="Models such as openai/gpt-5-mini, in order.", show_default=False),
]

app = CommandApp(no_args_is_help=True)
aliases_app = CommandApp(no_args_is_help=True, help="Manage other names for models.")
app.add_typer(aliases_app, name="aliases")


@aliases_app.command("list")
def list_(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the aliases of models."""
    with open_target(data_dir) as target:
        _show(target.models.list_aliases(), as_json)


@aliases_app.command("set")
def set_(alias: AliasName, model: Models, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Set the model of an alias, or several that are tried in order."""
    with open_target(data_dir) as target:
        aliases = target.models.replace_aliases({**target.models.list_aliases(), alias: model})
    if as_json:
        output.as_json({"aliases": aliases})
        return
    output.say(f"The alias {alias} is now {', '.join(aliases[alias])}.")
    _warn(aliases)


@aliases_app.command()
def remove(alias: AliasName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Remove an alias. Requests that name it then ask for a model of that name."""
    with open_target(data_dir) as target:
        aliases = dict(target.models.list_aliases())
        if aliases.pop(alias, None) is None:
            raise NotFound("No such alias. See ari models aliases list.")
        left = target.models.replace_aliases(aliases)
    if as_json:
        output.as_json({"aliases": left})
        return
    output.say(f"Removed the alias {alias}.")


def _show(aliases: Mapping[str, Sequence[str]], as_json: bool) -> None:
    if as_json:
        output.as_json({"aliases": aliases})
        return
    rows = [(name, ", ".join(models)) for name, models in aliases.items()]
    output.table(("ALIAS", "MODELS"), rows, "No aliases yet. Add one: ari models aliases set fast openai/gpt-5-mini")
    _warn(aliases)


def _warn(aliases: Mapping[str, Sequence[str]]) -> None:
    for name in find_routed_aliases(aliases):
        output.tell(f"{describe_routed_alias(name)} Run: ari models aliases remove {name}")
