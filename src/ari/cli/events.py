"""``ari events``: the audit log."""

import json
from collections.abc import Mapping
from typing import Annotated, Literal

import typer

from ari.base.clock import from_rfc3339
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
from ari.cli.options import AsJson, ByteOrderMark, DataDir, Limit
from ari.cli.targets import open_target
from ari.cli.time_args import one_of

app = CommandApp(cls=group_with_default("list"))


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
    with open_target(data_dir) as target:
        found = target.events.list_newest(filters, limit)
    if as_json:
        output.as_json({"items": found})
        return
    rows = (
        (
            output.moment(from_rfc3339(event["time"])),
            event["name"],
            event["actor"],
            event.get("subject_name") or event["subject"] or "-",
            event["subject"] or "-",
            _format_detail(event["detail"]),
        )
        for event in found
    )
    output.table(("TIME", "EVENT", "BY", "SUBJECT", "SUBJECT ID", "DETAIL"), rows, "No events found.", droppable=4)


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
    with open_target(data_dir) as target:
        output.write_file(target.events.export(filters, form, bom=bom))


def _format_detail(detail: Mapping[str, object]) -> str:
    return ", ".join(f"{name}: {_format_value(value)}" for name, value in detail.items())


def _format_value(value: object) -> str:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return " ".join(map(_format_value, value))
    return "-" if value is None else str(value)
