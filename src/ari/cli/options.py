"""Options shared by several commands."""

from pathlib import Path
from typing import Annotated

import typer

from ari.cli.completion import offer
from ari.cli.time_args import whole_number

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Data directory (env: ARI_DATA_DIR).", metavar="PATH"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Output JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Skip confirmation.")]
KeyName = Annotated[
    str, typer.Argument(metavar="ID", help="Key ID, prefix or name.", show_default=False, autocompletion=offer("keys"))
]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the app or script.", show_default=False)]
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        metavar="SCOPE",
        help="Scope to grant (repeatable).",
        show_default=False,
        autocompletion=offer("scopes"),
    ),
]
Expires = Annotated[
    str | None,
    typer.Option(
        "--expires", metavar="DURATION", help="Time until expiry: 1h, 14d, 2w, 1y, … or never.", show_default=False
    ),
]
ExpiresAt = Annotated[
    str | None,
    typer.Option(
        "--expires-at", metavar="TIME", help="Exact expiry time, e.g. 2030-01-31T12:00:00Z.", show_default=False
    ),
]
Limit = Annotated[
    int, typer.Option("--limit", metavar="NUMBER", parser=whole_number(1), help="Maximum number to show.")
]

ByteOrderMark = Annotated[bool, typer.Option("--bom/--no-bom", help="Start CSV with a byte order mark.")]

Consumer = Annotated[
    str | None,
    typer.Option(
        "--consumer",
        metavar="ID",
        help="Consumer it belongs to: name, ID or external ID.",
        show_default=False,
        autocompletion=offer("consumers"),
    ),
]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Tag (repeatable).", show_default=False)]
Metadata = Annotated[
    list[str] | None,
    typer.Option("--metadata", metavar="NAME=VALUE", help="Metadata to store (repeatable).", show_default=False),
]
Addresses = Annotated[
    list[str] | None,
    typer.Option(
        "--address", metavar="IP|CIDR", help="Address or network it works from (repeatable).", show_default=False
    ),
]
EnvironmentName = Annotated[
    str | None, typer.Option("--environment", metavar="live|test", help="What the key is for.", show_default=False)
]
KindOption = Annotated[
    str | None,
    typer.Option(
        "--kind",
        metavar="NAME",
        help="Kind of the key, of those in ari kinds list.",
        show_default=False,
        autocompletion=offer("kinds"),
    ),
]
