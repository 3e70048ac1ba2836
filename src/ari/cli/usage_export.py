"""``ari usage export``: the log as CSV or JSON on standard output."""
# Imports inside functions here: start-up speed.

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Annotated, Literal

import msgspec
import typer

from ari.base.errors import Invalid
from ari.cli import output
from ari.cli.instances import open_deps
from ari.cli.options import DataDir
from ari.cli.time_args import instant, one_of
from ari.cli.time_args import since as since_ms
from ari.usage.ai import AiUse
from ari.usage.model import UsageFilter, UsageRow
from ari.usage.reports import export as file
from ari.usage.search import StatusRange, UsageSearch, code_of, method_of, text_of

_PIECE = 1_000


def export(
    key: Annotated[
        str | None, typer.Option(metavar="ID", help="Filter by key (ID or prefix).", show_default=False)
    ] = None,
    form: Annotated[
        Literal["csv", "json"],
        typer.Option(
            "--format",
            metavar="csv|json",
            parser=one_of("csv", "json"),
            help="csv, or json (an array with one entry per line).",
        ),
    ] = "csv",
    code: Annotated[str | None, typer.Option(metavar="CODE", help="Filter by result.", show_default=False)] = None,
    since: Annotated[
        str | None, typer.Option(metavar="24h|TIME", help="Only entries since this time.", show_default=False)
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only entries before this time.", show_default=False)
    ] = None,
    method: Annotated[str | None, typer.Option(metavar="GET", help="Filter by method.", show_default=False)] = None,
    status: Annotated[
        str | None, typer.Option(metavar="404|4xx|none", help="Filter by HTTP status.", show_default=False)
    ] = None,
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Search in path, IP address and user agent.", show_default=False)
    ] = None,
    bom: Annotated[bool, typer.Option("--bom/--no-bom", help="Start CSV with a byte order mark.")] = True,
    data_dir: DataDir = None,
) -> None:
    """Export matching requests as CSV or JSON. Recorded in the audit log; cells are escaped for spreadsheets.

    CSV cells that a spreadsheet could run as a formula start with '. CSV starts with a byte order mark so that Excel
    reads it as UTF-8; use --no-bom for programs that don't expect one.
    """
    from ari.cli.key_output import key_id_of

    with open_deps(data_dir) as deps:
        instance = deps.instance
        key_id = None if key is None else key_id_of(instance, key)
        span = since_ms(since, instance.now_ms()), instant(until, "--until")
        search = _search(UsageFilter(key_id, code, *span), method, status, text)
        deps.do_sync(file.record, form, search)
        batches = instance.database.reports.pages(search, _PIECE)
        for piece in file.pieces(form, _harmless(batches) if form == "csv" else batches, bom=bom):
            sys.stdout.buffer.write(piece.replace(b"\r\n", b"\n"))
        sys.stdout.flush()


def _search(where: UsageFilter, method: str | None, status: str | None, text: str | None) -> UsageSearch:
    try:
        return UsageSearch(
            replace(where, code=None if where.code is None else code_of(where.code)),
            None if method is None else method_of(method),
            None if status is None else StatusRange.parse(status),
            None if text is None else text_of(text),
        )
    except Invalid as error:
        problem = error.problems[0]
        hint = f"--{'text' if problem.location == 'q' else problem.location}"
        raise typer.BadParameter(problem.message, param_hint=hint) from None


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
