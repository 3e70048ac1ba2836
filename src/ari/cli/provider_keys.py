"""``ari integrations add-key`` and its siblings: the stored keys of one provider."""

import getpass
import sys
from enum import StrEnum
from typing import Annotated

import typer

from ari.base.errors import Invalid, Problem
from ari.cli import output
from ari.cli.completion import offer
from ari.cli.options import AsJson, DataDir, Yes
from ari.cli.targets import open_target
from ari.integrations.model import KeyChoice

Name = Annotated[
    str,
    typer.Argument(
        metavar="PROVIDER",
        help="Provider name, e.g. openai.",
        show_default=False,
        autocompletion=offer("upstreams"),
    ),
]
KeyId = Annotated[
    str,
    typer.Argument(metavar="ID", help="ID of the provider key; see ari integrations show.", show_default=False),
]
Label = Annotated[str | None, typer.Option("--label", help="Name of the key, for people.", show_default=False)]
Position = Annotated[
    int | None, typer.Option("--position", help="Place among the keys, counted from 0.", show_default=False)
]


class Choice(StrEnum):
    """How a request gets one of several keys."""

    ROUND_ROBIN = "round-robin"
    BY_CONSUMER = "by-consumer"


def add(provider: Name, label: Label = None, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Store one more key of a provider, read from a prompt or stdin."""
    with open_target(data_dir) as target:
        title = target.integrations.get(provider)["title"]
        added = target.integrations.add_key(provider, read_key(title), label or "")
    if as_json:
        output.as_json(added)
        return
    output.say(f"Added {title} key {added['mask']}. Test it: ari integrations test {provider} --key {added['id']}")


def replace(provider: Name, key_id: KeyId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Replace one stored key, read from a prompt or stdin."""
    with open_target(data_dir) as target:
        title = target.integrations.get(provider)["title"]
        changed = target.integrations.change_key(provider, key_id, {"key": read_key(title)})
    if as_json:
        output.as_json(changed)
        return
    output.say(f"Replaced {title} key {changed['id']} by {changed['mask']}.")


def change(
    provider: Name,
    key_id: KeyId,
    label: Label = None,
    position: Position = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Change the label or place of one stored key."""
    wanted = {"label": label, "position": position}
    given = {name: value for name, value in wanted.items() if value is not None}
    if not given:
        raise Invalid(Problem("label", "Give --label or --position."))
    with open_target(data_dir) as target:
        changed = target.integrations.change_key(provider, key_id, given)
    if as_json:
        output.as_json(changed)
        return
    output.say(f"Changed key {changed['id']}.")


def remove(provider: Name, key_id: KeyId, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Delete one stored key. The provider's other keys stay."""
    with open_target(data_dir) as target:
        found = target.integrations.get(provider)
        mask = next((one["mask"] for one in found["keys"] if one["id"] == key_id), None)
        if mask is not None:
            output.confirm(f"Remove the {found['title']} key {mask}?", yes=yes)
        target.integrations.remove_key(provider, key_id)
    output.say(f"Removed {found['title']} key {mask}.")


def set_choice(
    provider: Name,
    choice: Annotated[Choice, typer.Argument(help="Each key in turn, or always the same one for a consumer.")],
    data_dir: DataDir = None,
) -> None:
    """Set how a request gets one of several keys."""
    with open_target(data_dir) as target:
        stored: KeyChoice = "by_consumer" if choice is Choice.BY_CONSUMER else "round_robin"
        target.integrations.set_key_choice(provider, stored)
    output.say(f"Requests to {provider} get a key {choice.value}.")


def read_key(title: str) -> str:
    """A key from a prompt, or from a line of stdin."""
    if sys.stdin.isatty():
        return getpass.getpass(f"{title} key: ")
    return sys.stdin.readline().rstrip("\r\n")
