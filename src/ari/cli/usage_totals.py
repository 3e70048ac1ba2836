"""``ari usage totals``: requests in a span of time, by key, consumer or tag."""

from typing import Annotated, Literal

import typer

from ari.cli import output
from ari.cli.options import AsJson, DataDir
from ari.cli.show_complete_until import show_complete_until
from ari.cli.targets import open_target
from ari.cli.time_args import one_of
from ari.cli.usage_filters import Consumer, Since, Tag, Until
from ari.cli.usage_options import StatisticsOptions, UsageOptions

GroupedBy = Literal["key", "consumer", "tag"]


def totals(
    by: Annotated[
        GroupedBy,
        typer.Option(
            "--by",
            metavar="key|consumer|tag",
            parser=one_of("key", "consumer", "tag"),
            help="Group by key, consumer or tag. A key with several tags counts in each.",
        ),
    ] = "key",
    consumer: Consumer = None,
    tag: Tag = None,
    since: Since = "7d",
    until: Until = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Count requests by key, consumer or tag; times are widened to whole hours."""
    group_by = None if by == "key" else by
    wanted = StatisticsOptions(UsageOptions(None, consumer, tag, since, until), group_by=group_by)
    with open_target(data_dir) as target:
        found = target.usage.summarize(wanted)
    if as_json:
        output.as_json(found)
        return
    rows: list[tuple[object, ...]] = [
        (one["name"] or one["key_id"], 1, one["request_count"], one["refused_count"], one["key_id"])
        for one in found["top_keys"]
    ]
    if found["groups"] is not None:
        rows = [
            (one["name"], one["key_count"], one["request_count"], one["refused_count"], one["group"])
            for one in found["groups"]
        ]
    rows.append(("Total", found["key_count"], found["request_count"], found["refused_count"], ""))
    output.table(("NAME", "KEYS", "ALLOWED", "REFUSED", "ID"), rows, "")
    show_complete_until(found.get("complete_until"))
