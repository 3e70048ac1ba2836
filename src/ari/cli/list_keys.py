"""``ari keys list``."""

from typing import Annotated, Literal

import typer

from ari.cli import key_output
from ari.cli.list_options import OfConsumer, OfEnvironment, OfKind, OfTag, Shown, SortBy, Text
from ari.cli.options import AsJson, DataDir
from ari.cli.show_complete_until import show_complete_until
from ari.cli.targets import open_target
from ari.cli.time_args import one_of

Status = Annotated[
    Literal["all", "active", "inactive"],
    typer.Option(
        "--status",
        metavar="all|active|inactive",
        parser=one_of("all", "active", "inactive"),
        help="Filter by status. Inactive keys are revoked or expired.",
    ),
]


def list_(
    status: Status = "all",
    show: Shown = "all",
    text: Text = "",
    consumer: OfConsumer = None,
    tag: OfTag = None,
    environment: OfEnvironment = None,
    kind: OfKind = None,
    sort: SortBy = "-created",
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """List keys, newest first. Filters apply together."""
    narrowed = status != "all" or show != "all" or any((text, consumer, tag, environment, kind))
    empty = {"empty": "No keys match."} if narrowed else {}
    filters = {"text": text, "consumer": consumer, "tag": tag, "environment": environment, "kind": kind}
    with open_target(data_dir) as target:
        listed = target.keys.list_by(sort, show=show, activity=status, **filters)
        until = target.keys.complete_until
        key_output.show_list(target, listed, as_json, complete_until=until, **empty)
    if not as_json:
        show_complete_until(until)
