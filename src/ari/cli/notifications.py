"""``ari notifications``: which emails the owner gets, their delivery history, and a test."""
# Imports inside functions here: start-up speed.

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from ari.base.messages import EMAIL_IS_OFF
from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.instances import open_deps
from ari.cli.options import AsJson, DataDir, Limit

if TYPE_CHECKING:
    from ari.notifications.model import Notice
    from ari.notifications.ports import NoticeTransaction
    from ari.notifications.switches import NotificationSetting

Kind = Annotated[str, typer.Argument(metavar="KIND", help="Kind, e.g. key_expiring.", show_default=False)]

_PAGE = 200

app = CommandApp(no_args_is_help=True)


@app.command("list")
def list_kinds(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the kinds of notification and how email is sent."""
    from ari.notifications import delivery_history, switches

    with open_deps(data_dir) as deps:
        asyncio.run(deps.instance.mail.refresh(deps))
        settings, address = deps.read_sync(_get_settings), deps.read_sync(delivery_history.recipient)
        config = deps.instance.mail.config
    if as_json:
        mail = delivery_history.mail_config_facts(config, address)
        output.as_json({"mail": mail, "items": [switches.build_setting_facts(one) for one in settings]})
        return
    rows = ((one.kind.name, "on" if one.on else "off", one.kind.description) for one in settings)
    output.table(("KIND", "STATE", "WHEN"), rows, "No kinds of notification.", droppable=1)
    if config.can_send:
        output.tell(
            f"Email is sent with {config.sender} from {config.mail_from} to {address or 'nobody (no owner yet)'}."
        )
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
    from ari.notifications import switches

    with open_deps(data_dir) as deps:
        switched = deps.do_sync(switches.switch, kind, on=on)
    if as_json:
        output.as_json(switches.build_setting_facts(switched))
    else:
        output.say(f"{switched.kind.title}: {'on' if switched.on else 'off'}.")


@app.command()
def history(limit: Limit = 50, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show delivery history, newest first."""
    from ari.notifications import delivery_history

    with open_deps(data_dir) as deps:
        notices = deps.read_sync(_get_newest, limit)
    if as_json:
        output.as_json({"items": [delivery_history.notice_facts(one) for one in notices]})
        return
    rows = ((output.moment(one.at_ms), one.state, one.subject, _describe_result(one)) for one in notices)
    output.table(("TIME", "STATE", "SUBJECT", "RESULT"), rows, "No notifications yet.", droppable=1)


@app.command("test")
def send_test(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Send a test email. Exits with 1 if it fails."""
    import asyncio

    from ari.notifications import test_email

    with open_deps(data_dir) as deps:
        tested = asyncio.run(test_email.send_test_email(deps, deps.instance.mail, deps.instance.clock))
    if as_json:
        output.as_json(test_email.test_facts(tested))
    elif tested.sent:
        output.say(tested.message)
    else:
        output.tell(f"ari: {tested.message}")
    if not tested.sent:
        raise typer.Exit(1)


def _get_settings(tx: "NoticeTransaction") -> "list[NotificationSetting]":
    from ari.notifications import switches

    return switches.list_settings(tx.key_value)


def _get_newest(tx: "NoticeTransaction", limit: int) -> "list[Notice]":
    from ari.notifications import delivery_history

    listed: list[Notice] = []
    while len(listed) < limit:
        wanted = min(_PAGE, limit - len(listed))
        page = delivery_history.read_history(tx, listed[-1].id if listed else None, wanted)
        listed += page
        if len(page) < wanted:
            break
    return listed


def _describe_result(notice: "Notice") -> str:
    if notice.state == "sent" and notice.sent_at_ms is not None:
        return f"accepted by {notice.sender} at {output.moment(notice.sent_at_ms)} as {notice.sender_id}"
    parts = [notice.error] if notice.error else []
    if notice.next_try_at_ms is not None:
        parts.append(f"next try at {output.moment(notice.next_try_at_ms)}")
    return " · ".join(parts) or "-"
