"""The AI gateway's part of the report: its table, its sentences, and ratios between its rows."""

from typing import Any

from benchmarks.stats import Spread, number, ranged, spread

HEAD = (
    "Forwarding a short chat",
    "whole, 32 connections",
    "whole, 256",
    "streamed, 32",
    "streamed, 256",
    "CPU µs, whole / streamed",
    "MB",
    "start s",
)
_CASES = ("whole-32", "whole-256", "streamed-32", "streamed-256")


def ratios(found: dict[str, Any], row_id: str, other: str, case: str) -> Spread | None:
    """A row's rate over another's in the same rounds; ``None`` if one of them wasn't measured."""
    first, second = (
        {one["round"]: one["rate"] for one in found.get("rows", {}).get(name, {}).get("cases", {}).get(case, [])}
        for name in (row_id, other)
    )
    both = [first[at] / second[at] for at in sorted(first.keys() & second.keys()) if second[at] > 0]
    return spread(both) if both else None


def rows(found: dict[str, Any]) -> list[tuple[str, ...]]:
    """Responses a second of each gateway and forwarder, with its processor time, memory and start."""
    table: list[tuple[str, ...]] = []
    for row in found.get("rows", {}).values():
        cases = row["cases"]
        if not any(cases.values()):
            table.append((row["label"], f"not run: {row['skipped']}", *[""] * 6))
            continue
        rates = [_spread_of(cases.get(case), "rate") for case in _CASES]
        costs = [_spread_of(cases.get(case), "cpu_us") for case in ("whole-32", "streamed-32")]
        errors = max(one["error_share"] for case in cases.values() for one in case)
        label = row["label"] + (f" (errors: {errors:.1%})" if errors else "")
        table.append(
            (
                label,
                *(ranged(rate) if rate else "–" for rate in rates),
                " / ".join(number(cost.median) if cost else "–" for cost in costs),
                number(row["megabytes"]),
                number(row["start_seconds"]),
            )
        )
    return table


def sentences(found: dict[str, Any]) -> list[str]:
    """The delays that ARI adds, and its memory with many open streams."""
    lines = []
    for name, what in (("whole", "response"), ("first", "first event of a stream")):
        if found.get("delays", {}).get(f"added_{name}_ms"):
            direct, through = (
                number(spread(found["delays"][f"{side}_{name}_us"]).median / 1000) for side in ("direct", "through")
            )
            more = ranged(spread(found["delays"][f"added_{name}_ms"]))
            line = f"The median {what} took {direct} ms from the provider and {through} ms through ARI: {more} ms more."
            bare = found["delays"].get(f"bare_added_{name}_ms")
            lines.append(f"{line} The bare aiohttp forwarder adds {ranged(spread(bare))} ms." if bare else line)
    streams = found.get("streams")
    if streams:
        before, after = (spread(streams[key]).median for key in ("before", "megabytes"))
        lines.append(
            f"With {streams['count']:,} open streams ARI's processes used {after:.0f} MB, {before:.0f} MB before."
        )
    return lines


def _spread_of(slices: list[dict[str, float]] | None, name: str) -> Spread | None:
    return spread([one[name] for one in slices]) if slices else None
