"""``ari usage export``: the log as CSV or JSON on standard output."""

from typing import Annotated, Literal

import typer

from ari.cli import output
from ari.cli.options import ByteOrderMark, DataDir
from ari.cli.show_complete_until import show_complete_until
from ari.cli.targets import open_target
from ari.cli.time_args import one_of
from ari.cli.usage_filters import Address, Code, Consumer, Key, Method, Since, Source, Status, Tag, Text, Until
from ari.cli.usage_options import UsageOptions


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
    query = UsageOptions(key, consumer, tag, since, until, filters)
    with open_target(data_dir) as target:
        output.write_file(target.usage.export(query, form, bom=bom))
        show_complete_until(target.usage.complete_until)
