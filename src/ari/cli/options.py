"""Options that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

from ari.cli.words import whole_number

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Where ARI keeps its databases; also ARI_DATA_DIR.", metavar="PATH"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
KeyName = Annotated[str, typer.Argument(metavar="ID", help="The key's id, or its hint.", show_default=False)]
Scopes = Annotated[
    list[str] | None,
    typer.Option("--scope", metavar="SCOPE", help="What the key may do; repeat for more.", show_default=False),
]
Expires = Annotated[
    str | None,
    typer.Option("--expires", metavar="1h|7d|30d|90d|1y|never", help="How long the key lives.", show_default=False),
]
ExpiresAt = Annotated[
    str | None,
    typer.Option("--expires-at", metavar="TIME", help="The exact end, as 2030-01-31T12:00:00Z.", show_default=False),
]
Limit = Annotated[
    int, typer.Option("--limit", metavar="NUMBER", parser=whole_number(1), help="At most so many, the newest.")
]
