"""``ari integrations``: provider keys. The rules are in ``ari.integrations.commands``, as for every door."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ari.base.clock import from_rfc3339
from ari.cli import output, provider_keys
from ari.cli.command_app import CommandApp
from ari.cli.master_key import rotate
from ari.cli.options import AsJson, DataDir, Yes
from ari.cli.provider_keys import Name, read_key
from ari.cli.targets import open_target
from ari.cli.time_args import parse_time
from ari.integrations.facts import describe_unused_keys
from ari.integrations.providers import providers

Address = Annotated[
    str | None, typer.Argument(metavar="[URL]", help="Base URL (default: the built-in one).", show_default=False)
]

app = CommandApp(no_args_is_help=True)


@app.command("list")
def list_(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List providers and their status."""
    with open_target(data_dir) as target:
        found, now_ms = target.integrations.list_all(), target.now_ms()
    if as_json:
        output.as_json({"items": found, "next_cursor": None})
        return
    rows = [
        (
            one["provider"],
            _describe_state(one),
            one["mask"] or "",
            one["source"] or "",
            output.when(parse_time(one["last_used_at"]), now_ms, ""),
            one["base_url"] or "",
        )
        for one in found
    ]
    output.table(("PROVIDER", "STATE", "KEY", "SOURCE", "USED", "BASE URL"), rows, "", droppable=2)


@app.command()
def show(provider: Name, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show a provider's status."""
    with open_target(data_dir) as target:
        _show(target.integrations.get(provider), as_json)


@app.command("set")
def set_(provider: Name, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Store a provider key, or replace its first one; read from a prompt or stdin."""
    with open_target(data_dir) as target:
        title = target.integrations.get(provider)["title"]
        stored = target.integrations.set_key(provider, read_key(title))
    if as_json:
        _show(stored, as_json)
        return
    if stored["source"] == "environment":
        output.say(f"Stored the {title} key.")
        output.tell(f"{_find_variable(provider)} is set and takes precedence.")
    else:
        output.say(f"Stored {title} key {stored['mask']}. Test it: ari integrations test {provider}")


@app.command("set-url")
def set_url(
    provider: Name, url: Address = None, yes: Yes = False, as_json: AsJson = False, data_dir: DataDir = None
) -> None:
    """Set a provider's base URL. Deletes the stored keys (asks first)."""
    with open_target(data_dir) as target:
        title = target.integrations.get(provider)["title"]
        agreed = target.integrations.find_key_lost_by(provider, url)
        if agreed is not None:
            question = f"Change the {title} base URL? This deletes the stored key {agreed}."
            output.confirm(question, yes=yes)
        changed = target.integrations.set_base_url(provider, url, agreed, force=yes)
    if as_json:
        _show(changed, as_json)
        return
    where = changed["base_url"]
    output.say(f"{title} base URL set to {where}." if where else f"{title} base URL cleared.")
    if agreed is not None:
        output.tell(
            f"The stored key was deleted because the URL changed. Set it again: ari integrations set {provider}"
        )


@app.command()
def remove(provider: Name, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Delete a provider's stored keys and base URL. Anything using it through ARI stops working immediately."""
    with open_target(data_dir) as target:
        found = target.integrations.get(provider)
        title = found["title"]
        if found["added_at"] is not None:
            question = f"Remove the {title} key? Anything using it through ARI stops working immediately."
            output.confirm(question, yes=yes)
        target.integrations.remove(provider)
    output.say(f"Removed the {title} key and base URL.")


@app.command("test")
def run_test(
    provider: Name,
    key_id: Annotated[
        str | None,
        typer.Option(
            "--key", metavar="ID", help="Test this one of several keys (default: the first).", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Test a stored key. Exits with 1 if it isn't valid."""
    with open_target(data_dir) as target:
        result = target.integrations.test(provider, key_id)
    if as_json:
        output.as_json(result)
    else:
        output.say(f"{_label(result['outcome'])}: {result['words']}")
    if result["outcome"] != "works":
        raise typer.Exit(1)


def _show(found: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        output.as_json(found)
        return
    tested = found["last_test"]
    shown = {**found, "last_test": tested and f"{_label(tested['outcome'])}: {tested['words']}"}
    del shown["keys"]
    pairs = [(name.replace("_", " "), _value(name, value)) for name, value in shown.items()]
    numbered = [(f"key {number}", _describe_key(key)) for number, key in enumerate(found["keys"], 1)]
    output.facts([*pairs, *numbered])


def _find_variable(provider: str) -> str:
    known = providers().get(provider)
    return "A variable of the environment" if known is None else known.variable


def _label(outcome: str) -> str:
    return "OK" if outcome == "works" else outcome


def _value(name: str, value: object) -> object:
    if isinstance(value, str) and name.endswith("_at"):
        return output.moment(from_rfc3339(value))
    return "" if value is None else value


def _describe_state(found: Mapping[str, Any]) -> str:
    unused = describe_unused_keys(found["keys"]) if found["source"] == "stored" else ""
    return ", ".join(part for part in (found["state"].replace("_", " "), unused) if part)


def _describe_key(key: Mapping[str, Any]) -> str:
    state = key["state"]
    if state == "resting":
        models = f" for {', '.join(key['rests_for'])}" if key["rests_for"] else ""
        state = f"resting{models} until {output.moment(from_rfc3339(key['rests_until']))}"
    return " ".join(part for part in (key["id"], key["mask"], key["label"], f"({state})") if part)


app.command("add-key")(provider_keys.add)
app.command("replace-key")(provider_keys.replace)
app.command("change-key")(provider_keys.change)
app.command("remove-key")(provider_keys.remove)
app.command("set-key-choice")(provider_keys.set_choice)
app.command("rotate-master-key")(rotate)
