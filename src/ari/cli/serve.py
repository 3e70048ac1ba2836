"""``ari serve``."""
# Imports inside functions here: start-up speed.

from typing import Annotated

import typer

from ari.cli.instances import read_settings
from ari.cli.options import DataDir
from ari.cli.time_args import whole_number

Host = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Address to listen on.", show_default="127.0.0.1")]
Port = Annotated[
    int | None,
    typer.Option(metavar="NUMBER", parser=whole_number(), help="Port to listen on.", show_default="3000"),
]
Workers = Annotated[
    int | None,
    typer.Option(metavar="NUMBER", parser=whole_number(), help="Number of worker processes.", show_default="1"),
]


def serve(
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
    data_dir: DataDir = None,
    insecure_http: Annotated[
        bool, typer.Option("--insecure-http", help="Allow plain http on non-loopback addresses.")
    ] = False,
    new_instance: Annotated[
        bool, typer.Option("--new-instance", help="Allow setup again after the owner account was lost.")
    ] = False,
) -> None:
    """Start the server. The first run prints a one-time setup link."""
    settings = read_settings(data_dir, host=host, port=port, workers=workers, insecure_http=insecure_http or None)
    from ari.serving import start

    raise typer.Exit(start.serve(settings, new_instance=new_instance))
