"""``ari usage export``: the log as CSV or JSON on standard output."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Annotated, Literal

import msgspec
import typer

from ari import keys
from ari.cli import output
from ari.cli.instances import open_deps
from ari.cli.options import ByteOrderMark, DataDir
from ari.cli.time_args import one_of
from ari.cli.usage_filters import (
    Address,
    Code,
    Consumer,
    Key,
    Method,
    Since,
    Source,
    Status,
    Tag,
    Text,
    Until,
    build_search,
)
from ari.usage.ai import AiUse
from ari.usage.model import UsageRow
from ari.usage.reports import export as file

_PIECE = 1_000


def export(
    key: Key = None,
    form: Annotated[
        Literal["csv", "json"],
        typer.Option(
            "--format",
            metavar="csv|json",
            parser=one_of("csv", "json"),
            help="csv, or json (an array with one request per line).",
        ),
    ] = "csv",
    code: Code = None,
    status: Status = None,
    method: Method = None,
    address: Address = None,
    consumer: Consumer = None,
    tag: Tag = None,
    source: Source = None,
    text: Text = None,
    since: Since = None,
    until: Until = None,
    bom: ByteOrderMark = True,
    data_dir: DataDir = None,
) -> None:
    """Export matching requests as CSV or JSON. Recorded in the audit log; cells are escaped for spreadsheets.

    CSV cells that a spreadsheet could run as a formula start with '. CSV starts with a byte order mark so that Excel
    reads it as UTF-8; use --no-bom for programs that don't expect one.
    """
    filters = {"code": code, "status": status, "method": method, "address": address, "source": source, "q": text}
    with open_deps(data_dir) as deps:
        search = build_search(
            deps.instance, key, deps.read_sync(keys.find_group, consumer, tag), since, until, **filters
        )
        deps.do_sync(file.record, form, search)
        batches = deps.instance.reports.pages(search, _PIECE)
        output.write_file(file.pieces(form, _harmless(batches) if form == "csv" else batches, bom=bom))


def _harmless(batches: Iterable[list[UsageRow]]) -> Iterator[list[UsageRow]]:
    """Clean text from callers, so that it can't control a terminal (security.md 22). JSON is ASCII anyway."""
    for rows in batches:
        yield [
            msgspec.structs.replace(
                row,
                request_id=output.clean(row.request_id),
                method=output.clean(row.method),
                path=output.clean(row.path),
                route=output.clean(row.route),
                key_hint=output.clean(row.key_hint),
                user_agent=None if row.user_agent is None else output.clean(row.user_agent),
                client_address=None if row.client_address is None else output.clean(row.client_address),
                ai=None if row.ai is None else _harmless_use(row.ai),
            )
            for row in rows
        ]


def _harmless_use(use: AiUse) -> AiUse:
    return use if use.model is None else replace(use, model=output.clean(use.model))
