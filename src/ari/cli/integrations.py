"""``ari integrations``: provider keys. The rules are in ``ari.integrations.commands``, as for every door."""
# Imports inside functions here: start-up speed.

import asyncio
import getpass
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ari.base.clock import from_rfc3339
from ari.base.errors import Conflict
from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.instances import open_deps
from ari.cli.master_key import rotate
from ari.cli.options import AsJson, DataDir, Yes

if TYPE_CHECKING:
    from ari.deps import Deps
    from ari.integrations.model import Provider, State
    from ari.integrations.ports import IntegrationTransaction

Name = Annotated[str, typer.Argument(metavar="PROVIDER", help="Provider name, e.g. openai.", show_default=False)]
Address = Annotated[
    str | None, typer.Argument(metavar="[URL]", help="Base URL (default: the built-in one).", show_default=False)
]

app = CommandApp(no_args_is_help=True)


@app.command("list")
def list_(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List providers and their status."""
    from ari.integrations.credentials import states
    from ari.integrations.facts import integration_facts

    with open_deps(data_dir) as deps:
        instance = deps.instance
        now_ms = instance.now_ms()
        found = deps.read_sync(states, instance.provider_environment)
        used = deps.instance.reports.ai_last_used()
    if as_json:
        output.as_json(
            {"items": [integration_facts(one, used.get(one.provider.name)) for one in found], "next_cursor": None}
        )
        return
    rows = [
        (
            one.provider.name,
            one.name.replace("_", " "),
            one.mask or "",
            one.source or "",
            output.when(used.get(one.provider.name), now_ms, ""),
            one.base_url or "",
        )
        for one in found
    ]
    output.table(("provider", "state", "key", "source", "used", "base URL"), rows, "", droppable=2)


@app.command()
def show(provider: Name, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show a provider's status."""
    with open_deps(data_dir) as deps:
        _show(deps, _find_provider(provider), as_json)


@app.command("set")
def set_(provider: Name, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Store a provider key, read from a prompt or stdin."""
    from ari.integrations import commands

    wanted = _find_provider(provider)
    with open_deps(data_dir) as deps:
        environment = deps.instance.provider_environment
        key = _read_key(wanted)
        stored = deps.do_sync(commands.put_key, wanted, environment, key)
        if as_json:
            _show(deps, wanted, as_json)
            return
        output.say(f"Stored {wanted.title} key {stored.mask}. Test it: ari integrations test {wanted.name}")
        if wanted.name in environment.keys:
            output.tell(f"{wanted.variable} is set and takes precedence.")


@app.command("set-url")
def set_url(
    provider: Name, url: Address = None, yes: Yes = False, as_json: AsJson = False, data_dir: DataDir = None
) -> None:
    """Set a provider's base URL. Deletes the stored key (asks first)."""
    from ari.integrations import commands

    wanted = _find_provider(provider)

    def change(tx: "IntegrationTransaction") -> None:
        if not yes and commands.find_key_lost_by(tx, wanted, url) != agreed:
            raise Conflict("key_changed", f"The {wanted.title} key just changed. Nothing was done. Try again.")
        commands.set_base_url(tx, wanted, url, deps.instance.provider_environment.private_addresses)

    with open_deps(data_dir) as deps:
        agreed = deps.read_sync(commands.find_key_lost_by, wanted, url)
        if agreed is not None:
            question = f"Change the {wanted.title} base URL? This deletes the stored key {agreed}."
            output.confirm(question, yes=yes)
        deps.do_sync(change)
        if as_json:
            _show(deps, wanted, as_json)
            return
        where = _state(deps, wanted).base_url
        output.say(f"{wanted.title} base URL set to {where}." if where else f"{wanted.title} base URL cleared.")
        if agreed is not None:
            output.tell(
                f"The stored key was deleted because the URL changed. Set it again: ari integrations set {wanted.name}"
            )


@app.command()
def remove(provider: Name, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Delete a provider's stored key and base URL. Anything using it through ARI stops working immediately."""
    from ari.integrations import commands
    from ari.integrations.rows import get_stored_row

    wanted = _find_provider(provider)
    with open_deps(data_dir) as deps:
        if deps.read_sync(get_stored_row, wanted) is not None:
            question = f"Remove the {wanted.title} key? Anything using it through ARI stops working immediately."
            output.confirm(question, yes=yes)
        deps.do_sync(commands.remove, wanted)
    output.say(f"Removed the {wanted.title} key and base URL.")


@app.command("test")
def run_test(provider: Name, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Test the stored key. Exits with 1 if it isn't valid."""
    from ari.integrations.key_test import probe_provider

    wanted = _find_provider(provider)
    with open_deps(data_dir) as deps:
        instance = deps.instance
        result = asyncio.run(probe_provider(deps, instance.prober, wanted, instance.provider_environment))
    if as_json:
        output.as_json({"outcome": result.outcome, "words": result.words})
    else:
        output.say(f"{_label(result.outcome)}: {result.words}")
    if not result.is_valid:
        raise typer.Exit(1)


def _find_provider(name: str) -> "Provider":
    from ari.base.errors import NotFound
    from ari.integrations.providers import providers

    found = providers().get(name)
    if found is None:
        raise NotFound(f"Unknown provider. Choose one of: {', '.join(providers())}.")
    return found


def _state(deps: "Deps", provider: "Provider") -> "State":
    from ari.integrations.credentials import state

    return deps.read_sync(state, provider, deps.instance.provider_environment)


def _show(deps: "Deps", provider: "Provider", as_json: bool) -> None:
    from ari.integrations.facts import integration_facts

    used = deps.instance.reports.ai_last_used()
    found = integration_facts(_state(deps, provider), used.get(provider.name))
    if as_json:
        output.as_json(found)
        return
    tested = found.pop("last_test")
    found["last_test"] = tested and f"{_label(tested['outcome'])}: {tested['words']}"
    output.facts([(name.replace("_", " "), _value(name, value)) for name, value in found.items()])


def _label(outcome: str) -> str:
    return "OK" if outcome == "works" else outcome


def _value(name: str, value: object) -> object:
    if isinstance(value, str) and name.endswith("_at"):
        return output.moment(from_rfc3339(value))
    return "" if value is None else value


def _read_key(provider: "Provider") -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"{provider.title} key: ")
    return sys.stdin.readline().rstrip("\r\n")


app.command("rotate-master-key")(rotate)
