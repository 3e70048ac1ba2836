"""Options that filter and sort keys."""

from typing import Annotated

import typer

from ari.cli.time_args import one_of
from ari.keys.listing import SHOWN, Show
from ari.usage.reports.listing import SORTS

_ORDERS = tuple(sign + by for by in SORTS for sign in ("", "-"))

Shown = Annotated[
    Show,
    typer.Option("--show", metavar="STATE", parser=one_of(*SHOWN), help=f"Filter by state: {', '.join(SHOWN)}."),
]
Text = Annotated[str, typer.Option("--text", metavar="TEXT", help="Filter by name, prefix or ID.", show_default=False)]
OfConsumer = Annotated[
    str | None,
    typer.Option("--consumer", metavar="ID", help="Filter by consumer: name, ID or external ID.", show_default=False),
]
OfTag = Annotated[str | None, typer.Option("--tag", metavar="TAG", help="Filter by tag.", show_default=False)]
OfEnvironment = Annotated[
    str | None, typer.Option("--environment", metavar="live|test", help="Filter by environment.", show_default=False)
]
OfKind = Annotated[str | None, typer.Option("--kind", metavar="KIND", help="Filter by kind.", show_default=False)]
SortBy = Annotated[
    str,
    typer.Option(
        "--sort", metavar="ORDER", parser=one_of(*_ORDERS), help=f"Sort by {', '.join(SORTS)}; -ORDER is descending."
    ),
]
