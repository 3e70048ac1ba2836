"""The filters of ``ari usage`` and ``ari usage export``, the same as those of the API and the pages."""

from typing import Annotated, Literal

import typer

from ari.cli.completion import offer
from ari.cli.time_args import one_of
from ari.usage.search import SOURCES

Key = Annotated[
    str | None,
    typer.Option("--key", metavar="ID", help="Filter by key (ID, prefix or name).", autocompletion=offer("keys")),
]
Code = Annotated[
    str | None, typer.Option("--code", metavar="CODE", help="Filter by the verdict on the key: ok, or an error code.")
]
Status = Annotated[
    str | None, typer.Option("--status", metavar="404|4xx|none", help="Filter by HTTP status of the response.")
]
Method = Annotated[str | None, typer.Option("--method", metavar="GET", help="Filter by HTTP method.")]
Address = Annotated[str | None, typer.Option("--address", metavar="ADDRESS", help="Filter by client IP address.")]
Source = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="SOURCE",
        help=f"Filter by source: {', '.join(SOURCES)}. All but request were verified for an API of yours: by a service "
        "that asked, for a proxy, or by the guard.",
    ),
]
Text = Annotated[
    str | None, typer.Option("--text", metavar="TEXT", help="Search in path, route, IP address and user agent.")
]
Consumer = Annotated[
    str | None,
    typer.Option(
        "--consumer",
        metavar="ID",
        help="Only keys of this consumer: name, ID or external ID.",
        autocompletion=offer("consumers"),
    ),
]
Tag = Annotated[str | None, typer.Option("--tag", metavar="TAG", help="Only keys with this tag.")]
Since = Annotated[str | None, typer.Option("--since", metavar="24h|TIME", help="Only since this time.")]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Only before this time.")]
By = Annotated[
    Literal["hour", "day", "week"] | None,
    typer.Option(
        "--by",
        metavar="hour|day|week",
        parser=one_of("hour", "day", "week"),
        help="Length of the parts; default: one that suits the span.",
        show_default=False,
    ),
]
TimeZone = Annotated[
    str | None, typer.Option("--time-zone", metavar="ZONE", help="Time zone of days and weeks, such as Europe/Berlin.")
]
GroupBy = Annotated[
    Literal["consumer", "tag"] | None,
    typer.Option(
        "--group-by",
        metavar="consumer|tag",
        parser=one_of("consumer", "tag"),
        help="Also list consumers or tags. A key with several tags counts in each.",
        show_default=False,
    ),
]
