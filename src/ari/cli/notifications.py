"""``ari notifications``: which emails the owner gets, their delivery history, and a test."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ari.base.clock import from_rfc3339
from ari.base.messages import EMAIL_IS_OFF
from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.options import AsJson, DataDir, Limit
from ari.cli.targets import open_target

Kind = Annotated[str, typer.Argument(metavar="KIND", help="Kind, e.g. key_expiring.", show_default=False)]

app = CommandApp(no_args_is_help=True)


@app.command("list")
def list_kinds(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the kinds of notification and how email is sent."""
    with open_target(data_dir) as target:
        found = target.notifications.list_all()
    if as_json:
        output.as_json(found)
        return
    rows = ((one["kind"], "on" if one["on"] else "off", one["description"]) for one in found["items"])
    output.table(("KIND", "STATE", "WHEN"), rows, "No kinds of notification.", droppable=1)
    mail = found["mail"]
    if mail["on"]:
        recipient = mail["recipient"] or "nobody (no owner yet)"
        output.tell(f"Email is sent with {mail['sender']} from {mail['from']} to {recipient}.")
    else:
        output.tell(EMAIL_IS_OFF)


@app.command("on")
def switch_on(kind: Kind, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Turn a notification on."""
    _switch(kind, data_dir, on=True, as_json=as_json)


@app.command("off")
def switch_off(kind: Kind, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Turn a notification off (it still appears in the history)."""
    _switch(kind, data_dir, on=False, as_json=as_json)


def _switch(kind: str, data_dir: DataDir, *, on: bool, as_json: bool) -> None:
    with open_target(data_dir) as target:
        switched = target.notifications.switch(kind, on=on)
    if as_json:
        output.as_json(switched)
    else:
        output.say(f"{switched['title']}: {'on' if switched['on'] else 'off'}.")


@app.command()
def history(limit: Limit = 50, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show delivery history, newest first."""
    with open_target(data_dir) as target:
        notices = target.notifications.list_history(limit)
    if as_json:
        output.as_json({"items": notices})
        return
    rows = ((_moment(one["time"]), one["state"], one["subject"], _describe_result(one)) for one in notices)
    output.table(("TIME", "STATE", "SUBJECT", "RESULT"), rows, "No notifications yet.", droppable=1)


@app.command("test")
def send_test(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Send a test email. Exits with 1 if it fails."""
    with open_target(data_dir) as target:
        tested = target.notifications.send_test()
    if as_json:
        output.as_json(tested)
    elif tested["sent"]:
        output.say(tested["message"])
    else:
        output.tell(f"ari: {tested['message']}")
    if not tested["sent"]:
        raise typer.Exit(1)


def _describe_result(notice: Mapping[str, Any]) -> str:
    if notice["state"] == "sent" and notice["sent_at"] is not None:
        return f"accepted by {notice['sender']} at {_moment(notice['sent_at'])} as {notice['sender_id']}"
    parts = [notice["error"]] if notice["error"] else []
    if notice["next_try_at"] is not None:
        parts.append(f"next try at {_moment(notice['next_try_at'])}")
    return " · ".join(parts) or "-"


def _moment(time: str) -> str:
    return output.moment(from_rfc3339(time))
