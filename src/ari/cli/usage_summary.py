"""``ari usage summary`` and ``ari usage ai``: the statistics of the usage pages."""

from collections.abc import Mapping
from typing import Any

from ari.base.clock import from_rfc3339
from ari.cli import output
from ari.cli.options import AsJson, DataDir
from ari.cli.show_complete_until import show_complete_until
from ari.cli.show_costs import show_cost
from ari.cli.targets import open_target
from ari.cli.usage_filters import By, Consumer, GroupBy, Key, Since, Tag, TimeZone, Until
from ari.cli.usage_options import StatisticsOptions, UsageOptions


def summary(
    key: Key = None,
    consumer: Consumer = None,
    tag: Tag = None,
    since: Since = "7d",
    until: Until = None,
    by: By = None,
    time_zone: TimeZone = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Summarize requests by time, verdict and key; those of one key by route. Times are widened to whole hours."""
    wanted = StatisticsOptions(UsageOptions(key, consumer, tag, since, until), by, time_zone)
    wanted.require_one_of_key_and_group()
    with open_target(data_dir) as target:
        found = target.usage.summarize(wanted)
    if as_json:
        output.as_json(found)
        return
    show_complete_until(found.get("complete_until"))
    _show_span(found, [("allowed", found["request_count"]), ("refused", found["refused_count"])])
    _show_parts(found, ("ALLOWED", "REFUSED"), ("request_count", "refused_count"))
    _show_table(("VERDICT", "REQUESTS"), [(one["code"], one["count"]) for one in found["codes"]])
    if key is not None:
        routes = [(one["route"], one["request_count"], one["refused_count"]) for one in found["routes"]]
        _show_table(("ROUTE", "ALLOWED", "REFUSED"), routes)
        return
    rows = [
        (one["name"] or one["key_id"], one["request_count"], one["refused_count"], one["key_id"])
        for one in found["top_keys"]
    ]
    _show_table(("KEY", "ALLOWED", "REFUSED", "ID"), rows)
    if found["attempts"] is not None:
        attempts = [(one["reason"], one["count"]) for one in found["attempts"]["reasons"]]
        _show_table(("ATTEMPTS WITHOUT A VALID KEY", "COUNT"), attempts)


def ai(
    key: Key = None,
    consumer: Consumer = None,
    tag: Tag = None,
    since: Since = "7d",
    until: Until = None,
    by: By = None,
    time_zone: TimeZone = None,
    group_by: GroupBy = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Summarize requests through the AI gateway: costs and tokens by time, provider, model and key."""
    wanted = StatisticsOptions(UsageOptions(key, consumer, tag, since, until), by, time_zone, group_by)
    wanted.require_one_of_key_and_group()
    with open_target(data_dir) as target:
        found = target.usage.summarize_ai(wanted)
    if as_json:
        output.as_json(found)
        return
    show_complete_until(found.get("complete_until"))
    _show_span(found, [("cost", show_cost(found)), *((name.lower(), found[field]) for name, field in _AI)])
    _show_ai(found["by"].upper(), [(_moment(one), one) for one in found["parts"] if one["request_count"]])
    _show_ai("PROVIDER", [(one["provider"], one) for one in found["providers"]])
    _show_ai("MODEL", [(f"{one['provider']}: {one['model'] or 'unknown'}", one) for one in found["models"]])
    if key is None:
        _show_ai("KEY", [(one["name"] or one["key_id"], one) for one in found["keys"]])
    if group_by is not None:
        _show_ai(group_by.upper(), [(one["name"], one) for one in found["groups"]])


_AI = (
    ("REQUESTS", "request_count"),
    ("FAILED", "failed_count"),
    ("INPUT TOKENS", "input_tokens"),
    ("OUTPUT TOKENS", "output_tokens"),
    ("CACHED TOKENS", "cached_tokens"),
)


def _show_span(found: Mapping[str, Any], totals: list[tuple[str, Any]]) -> None:
    times = [(name, output.moment(from_rfc3339(found[name]))) for name in ("since", "until")]
    output.facts([*times, ("time zone", found["time_zone"]), *totals])


def _show_parts(found: Mapping[str, Any], headers: Any, fields: Any) -> None:
    """The parts with any requests, by their start."""
    parts = [one for one in found["parts"] if any(one[field] for field in fields)]
    rows = [(_moment(one), *(one[field] for field in fields)) for one in parts]
    _show_table((found["by"].upper(), *headers), rows)


def _moment(part: Mapping[str, Any]) -> str:
    return output.moment(from_rfc3339(part["since"]))


def _show_ai(header: str, counts: list[tuple[str, Mapping[str, Any]]]) -> None:
    rows = [(name, show_cost(one), *(one[field] for _, field in _AI)) for name, one in counts]
    _show_table((header, "COST", *(name for name, _ in _AI)), rows, droppable=1)


def _show_table(headers: tuple[str, ...], rows: list[tuple[Any, ...]], droppable: int = 0) -> None:
    if rows:
        output.say()
        output.table(headers, rows, "", droppable)
