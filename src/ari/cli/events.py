"""``ari events``: the audit log."""

from typing import Annotated

import typer

from ari.base.events import Event, event_facts
from ari.base.transaction import CommandTransaction, get_events
from ari.cli import output
from ari.cli.instances import open_deps
from ari.cli.options import AsJson, DataDir, Limit

Subject = Annotated[
    str | None, typer.Option("--subject", metavar="ID", help="Only events about this ID.", show_default=False)
]

_PAGE = 200


def events(subject: Subject = None, limit: Limit = 50, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show the audit log, newest first."""
    with open_deps(data_dir) as deps:
        happened = deps.read_sync(_get_newest, subject, limit)
    if as_json:
        output.as_json({"items": [event_facts(event) for event in happened]})
        return
    rows = (
        (output.moment(event.at_ms), event.name, event.actor, event.subject or "-", _detail(event))
        for event in happened
    )
    output.table(("TIME", "EVENT", "BY", "SUBJECT", "DETAIL"), rows, "No events yet.")


def _get_newest(tx: CommandTransaction, subject: str | None, limit: int) -> list[Event]:
    listed: list[Event] = []
    while len(listed) < limit:
        wanted = min(_PAGE, limit - len(listed))
        page = get_events(tx, subject, listed[-1].id if listed else None, wanted)
        listed += page
        if len(page) < wanted:
            break
    return listed


def _detail(event: Event) -> str:
    return ", ".join(f"{name}: {_word(value)}" for name, value in event.detail.items())


def _word(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "-" if value is None else str(value)
