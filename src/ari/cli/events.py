"""``ari events``: the audit log."""

import json
from itertools import chain, islice
from typing import Annotated, Literal

import typer

from ari.base import event_export
from ari.base.event_search import find_events, list_batches
from ari.base.events import Event, event_facts
from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.default_command import group_with_default
from ari.cli.event_filters import (
    Actor,
    Address,
    Door,
    EventFilters,
    Names,
    RequestId,
    Since,
    Subject,
    Text,
    Until,
)
from ari.cli.instances import open_deps
from ari.cli.options import AsJson, ByteOrderMark, DataDir, Limit
from ari.cli.time_args import one_of

app = CommandApp(cls=group_with_default("list"))
_PAGE = 200


@app.command("list")
def list_events(
    names: Names = None,
    actor: Actor = None,
    subject: Subject = None,
    door: Door = None,
    address: Address = None,
    request_id: RequestId = None,
    text: Text = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """List events of the audit log, newest first."""
    filters = EventFilters(names, actor, subject, door, address, request_id, text, since, until)
    with open_deps(data_dir) as deps:
        search = filters.build_search(deps.instance)
        batches = list_batches(lambda before: deps.read_sync(find_events, search, before, min(limit, _PAGE)))
        found = list(islice(chain.from_iterable(batches), limit))
    if as_json:
        output.as_json({"items": [event_facts(event) for event in found]})
        return
    rows = (
        (output.moment(event.at_ms), event.name, event.actor, event.subject or "-", _format_detail(event))
        for event in found
    )
    output.table(("TIME", "EVENT", "BY", "SUBJECT", "DETAIL"), rows, "No events found.")


@app.command()
def export(
    form: Annotated[
        Literal["csv", "jsonl"],
        typer.Option(
            "--format", metavar="csv|jsonl", parser=one_of("csv", "jsonl"), help="csv, or jsonl (one event per line)."
        ),
    ] = "csv",
    names: Names = None,
    actor: Actor = None,
    subject: Subject = None,
    door: Door = None,
    address: Address = None,
    request_id: RequestId = None,
    text: Text = None,
    since: Since = None,
    until: Until = None,
    bom: ByteOrderMark = True,
    data_dir: DataDir = None,
) -> None:
    """Export matching events as CSV or JSON lines. Recorded in the audit log; cells are escaped for spreadsheets.

    CSV cells that a spreadsheet could run as a formula start with '. CSV starts with a byte order mark so that Excel
    reads it as UTF-8; use --no-bom for programs that don't expect one.
    """
    filters = EventFilters(names, actor, subject, door, address, request_id, text, since, until)
    with open_deps(data_dir) as deps:
        search = filters.build_search(deps.instance)
        deps.do_sync(event_export.record, form, search)
        batches = list_batches(lambda before: deps.read_sync(find_events, search, before, event_export.EVENTS_A_PIECE))
        output.write_file(event_export.pieces(form, batches, bom=bom, clean=output.clean))


def _format_detail(event: Event) -> str:
    return ", ".join(f"{name}: {_format_value(value)}" for name, value in event.detail.items())


def _format_value(value: object) -> str:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return " ".join(map(_format_value, value))
    return "-" if value is None else str(value)
