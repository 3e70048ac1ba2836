"""``ari keys list``."""

from typing import Annotated, Literal

import typer

from ari import keys
from ari.cli import key_output
from ari.cli.instances import open_deps
from ari.cli.list_options import OfConsumer, OfEnvironment, OfKind, OfTag, Shown, SortBy, Text, list_keys_by
from ari.cli.options import AsJson, DataDir
from ari.cli.time_args import one_of
from ari.keys.listing import KeyListTransaction
from ari.keys.model import ApiKey

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
    with open_deps(data_dir) as deps:

        def read(tx: KeyListTransaction) -> list[ApiKey]:
            owners = {"consumer": consumer, "tag": tag, "environment": environment, "kind": kind}
            where = keys.make_filter(tx, text=text, show=show, activity=status, **owners)
            return list(list_keys_by(tx, deps.instance.key_use, where, sort))

        narrowed = status != "all" or show != "all" or any((text, consumer, tag, environment, kind))
        empty = {"empty": "No keys match."} if narrowed else {}
        key_output.show_list(deps.instance, deps.read_sync(read), as_json, **empty)
