"""``ari integrations``: provider keys. The rules are those of ``ari.integrations.manage``, as for every door."""
# Imports inside functions here: start-up speed.

import asyncio
import getpass
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ari.base.caller import Caller
from ari.base.errors import Conflict
from ari.cli import output
from ari.cli.master_key import rotate
from ari.cli.opening import CALLER, opened
from ari.cli.options import AsJson, DataDir, Yes

if TYPE_CHECKING:
    from ari.instance import Instance
    from ari.integrations.model import Provider, State
    from ari.storage.transaction import Transaction

Name = Annotated[str, typer.Argument(metavar="PROVIDER", help="Such as openai; see list.", show_default=False)]
Address = Annotated[
    str | None, typer.Argument(metavar="[URL]", help="The base URL; left out, the built-in one.", show_default=False)
]

app = typer.Typer(help="Keep, test and remove the keys of outside services.", no_args_is_help=True)


@app.command("list")
def list_(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the providers and how things stand with each."""
    from ari.integrations.credentials import states
    from ari.integrations.facts import integration_facts

    with opened(data_dir) as instance:
        environment, now_ms = instance.provider_environment, instance.now_ms()
        found = instance.read(lambda unit: states(unit, environment))
        used = instance.database.reports.ai_last_used()
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
    """Show how things stand with one provider; never its key."""
    with opened(data_dir) as instance:
        _show(instance, _named(provider), as_json)


@app.command("set")
def set_(provider: Name, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Seal a provider's key, asked for without showing it or read from standard input; never an argument."""
    from ari.integrations import manage

    wanted = _named(provider)
    with opened(data_dir) as instance:
        environment = instance.provider_environment
        key = _asked_key(wanted)
        stored = instance.command(
            CALLER(),
            lambda unit, by: manage.put_key(
                unit, instance.master_keys, by, instance.now_ms(), wanted, environment, key
            ),
        )
        if as_json:
            _show(instance, wanted, as_json)
            return
        output.say(f"Sealed the key {stored.mask} of {wanted.title}. Try it: ari integrations test {wanted.name}")
        if wanted.name in environment.keys:
            output.tell(f"{wanted.variable} in the environment wins over it.")


@app.command("set-url")
def set_url(
    provider: Name, url: Address = None, yes: Yes = False, as_json: AsJson = False, data_dir: DataDir = None
) -> None:
    """Set a provider's base URL. A change deletes the key sealed for the address before, so ARI asks first."""
    from ari.integrations import manage

    wanted = _named(provider)

    def change(unit: "Transaction", by: Caller) -> None:
        if not yes and manage.key_lost_by(unit, wanted, url) != agreed:
            raise Conflict("key_changed", f"The key of {wanted.title} just changed; nothing was done. Try again.")
        listed = instance.provider_environment.private_addresses
        manage.set_base_url(unit, by, instance.now_ms(), wanted, url, listed)

    with opened(data_dir) as instance:
        agreed = instance.read(lambda unit: manage.key_lost_by(unit, wanted, url))
        if agreed is not None:
            question = f"Change the address of {wanted.title}? This deletes the key {agreed}, sealed for the old one."
            output.confirm(question, yes=yes)
        instance.command(CALLER(), change)
        if as_json:
            _show(instance, wanted, as_json)
            return
        where = _state(instance, wanted).base_url
        output.say(f"{wanted.title} is at {where}." if where else f"{wanted.title} has no address now.")
        if agreed is not None:
            output.tell(f"The key {agreed} was deleted. Seal another one: ari integrations set {wanted.name}")


@app.command()
def remove(provider: Name, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Delete a provider's sealed key and base URL; what uses it through ARI stops working at once."""
    from ari.integrations import manage

    wanted = _named(provider)
    with opened(data_dir) as instance:
        if instance.read(lambda unit: unit.integrations.get(wanted.name)) is not None:
            question = f"Remove the key of {wanted.title}? What uses it through ARI stops working at once."
            output.confirm(question, yes=yes)
        instance.command(CALLER(), lambda unit, by: manage.remove(unit, by, instance.now_ms(), wanted))
    output.say(f"Removed what was stored for {wanted.title}.")


@app.command("test")
def try_(provider: Name, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Ask the provider whether it takes the key, by a call that changes nothing; fails unless the key is valid."""
    wanted = _named(provider)
    with opened(data_dir) as instance:
        result = asyncio.run(instance.atest_integration(CALLER(), wanted))
    if as_json:
        output.as_json({"outcome": result.outcome, "words": result.words})
    else:
        output.say(f"{result.outcome}: {result.words}")
    if not result.is_valid:
        raise typer.Exit(1)


def _named(name: str) -> "Provider":
    from ari.base.errors import NotFound
    from ari.integrations.providers import providers

    found = providers().get(name)
    if found is None:
        raise NotFound(f"No such provider. Choose one of {', '.join(providers())}.")
    return found


def _state(instance: "Instance", provider: "Provider") -> "State":
    from ari.integrations.credentials import state

    environment = instance.provider_environment
    return instance.read(lambda unit: state(unit, provider, environment))


def _show(instance: "Instance", provider: "Provider", as_json: bool) -> None:
    from ari.integrations.facts import integration_facts

    used = instance.database.reports.ai_last_used()
    found = integration_facts(_state(instance, provider), used.get(provider.name))
    if as_json:
        output.as_json(found)
        return
    tested = found.pop("last_test")
    found["last_test"] = tested and f"{tested['outcome']}: {tested['words']}"
    output.facts([(name.replace("_", " "), "" if value is None else value) for name, value in found.items()])


def _asked_key(provider: "Provider") -> str:
    if _reads_terminal():
        return getpass.getpass(f"Key of {provider.title}: ")
    return sys.stdin.readline().rstrip("\r\n")


def _reads_terminal() -> bool:
    return sys.stdin.isatty()


app.command("rotate-master-key")(rotate)
