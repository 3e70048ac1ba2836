"""``ari usage totals``: requests in a span of time, by key, consumer or tag."""

from typing import Annotated, Any, Literal

import typer

from ari import keys
from ari.base.clock import DAY_MS
from ari.cli import output
from ari.cli.instances import open_deps
from ari.cli.options import AsJson, DataDir
from ari.cli.time_args import instant, one_of
from ari.cli.time_args import since as since_ms
from ari.cli.usage_filters import Consumer, Since, Tag, Until
from ari.keys.groups import GroupBy
from ari.usage import spans
from ari.usage.reports import summary

By = Literal["key", "consumer", "tag"]


def totals(
    by: Annotated[
        By,
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
    with open_deps(data_dir) as deps:
        now_ms = deps.instance.now_ms()
        until_ms = instant(until, "--until") or now_ms + 1
        span = spans.between(since_ms(since, now_ms) or until_ms - 7 * DAY_MS, until_ms)
        group = deps.read_sync(keys.find_group, consumer, tag)
        key_ids = None if group is None else group.key_ids
        found = summary.of_some(deps.instance.reports, span, key_ids)
        names = deps.read_sync(keys.get_names, [one.key_id for one in found.top.shown])
        groups: list[dict[str, Any]] | None = None
        if by != "key":
            grouping: GroupBy = by
            counted = summary.count_groups(
                deps.instance.reports, span, key_ids, deps.read_sync(keys.list_groups_of_keys, grouping)
            )
            names_of = deps.read_sync(keys.name_groups, grouping, [one.name for one in counted])
            groups = summary.group_facts(counted, names_of)
    if as_json:
        output.as_json(summary.summary_facts(found, names, groups))
        return
    rows: list[tuple[object, ...]] = [
        (names.get(one.key_id) or one.key_id, 1, one.accepted_count, one.refused_count, one.key_id)
        for one in found.top.shown
    ]
    if groups is not None:
        rows = [
            (one["name"], one["key_count"], one["request_count"], one["refused_count"], one["group"]) for one in groups
        ]
    rows.append(("Total", found.top.keys, found.counts.accepted, found.counts.refused, ""))
    output.table(("NAME", "KEYS", "ALLOWED", "REFUSED", "ID"), rows, "")
