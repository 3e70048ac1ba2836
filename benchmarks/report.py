"""Render results as a table in the terminal and as the page ``docs/reference/benchmarks.md``."""

from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks import gateway_report
from benchmarks.report_text import INTRO, METHOD, NOTE, OPTIONS, WHY, WORKERS
from benchmarks.stats import Spread, number, ranged, spread
from benchmarks.targets import TARGETS, of_row, to_one, to_row

_HEAD = ("Row", "responses/s", "× bare", "× bare by CPU", "CPU µs", "p50 ms", "p99 ms", "errors")
_BUSY_LOAD, _BUSY_SHARE = 1.0, 0.1
"""The load average before the run, or the share of all cores during it, from which other work disturbs the run."""
_SAME_DURABILITY = {
    "better-auth": "me-fsync",
    "better-auth-wal": "me",
    "drf": "me",
    "keyshield": "me-fsync",
    "keyshield-cached": "me-fsync",
}
"""For each peer, ARI's row that stores as durably; REST framework's API keys store nothing."""
_LIMITED = 0.95
"""The share of its core from which the load generator limits a rate."""
_WORKERS_HEAD = ("", "responses/s", "workers µs", "workers, over 1", "all µs", "PostgreSQL µs", "p99 ms")
_PACED_HEAD = ("", "offered/s", "answered/s", "p50 ms", "p99 ms", "sent late, p99 ms")


def page(results: dict[str, Any]) -> str:
    """The page as Markdown."""
    facts = {"Date": results["date"], "Command": f"`{results['command']}`", **results["facts"]}
    facts["Run"] = (
        f"{results['rounds']} rounds, {results['seconds']} s for each row, {results['minutes']} minutes; "
        f"{'busy' if _busy(results) else 'quiet'}: {_others(results)}"
    )
    failed = results["parts"]
    parts = [
        "# Benchmarks",
        INTRO,
        "**The run was interrupted: missing figures were not measured.**" if results["ended_early"] else "",
        _busy(results),
        "## Targets",
        markdown(("Target", "Measured", "Verdict"), targets(results), "lrl"),
        WHY,
        "## Rates",
        markdown(_HEAD, rates(results), "lrrrrrrr"),
        _peers_sentence(results),
        _generator_sentence(results),
        "## What is stored before the response",
        markdown(("Stored", "Rows"), _stored(results), "ll"),
        "## Workers and nodes",
        markdown(_WORKERS_HEAD, _workers(results), "lrrrrrr", failed.get("workers")),
        WORKERS,
        "## Number of keys, memory, start",
        markdown(
            ("Keys", "responses/s", "CPU µs", "over that at 1,000", "start s"),
            _sizes(results),
            "rrrrr",
            failed.get("sizes"),
        ),
        _memory(results),
        "## Latency at 70 % of capacity",
        markdown(_PACED_HEAD, _latency(results), "lrrrrr", failed.get("latency")),
        "## AI gateway",
        markdown(gateway_report.HEAD, gateway_report.rows(results["gateway"]), "lrrrrrrr", failed.get("gateway")),
        " ".join(gateway_report.sentences(results["gateway"])),
        "## Verification in process",
        markdown(("Case", "µs"), _in_process(results), "lr", failed.get("in-process")),
        "## Method",
        METHOD,
        "## Machine and versions",
        "\n".join(f"- **{name}**: {text}" for name, text in facts.items()),
        OPTIONS,
    ]
    return NOTE + "\n\n".join(part for part in parts if part) + "\n"


def terminal(results: dict[str, Any]) -> str:
    """All results as one table for the terminal."""
    extra = [
        (label, rate, "", "", everything, "", p99, "") for label, rate, _, _, everything, _, p99 in _workers(results)
    ]
    extra += [(f"{count} keys", rate, "", "", cpu, "", "", "") for count, rate, cpu, _, _ in _sizes(results)]
    for name, offered, _, p50, p99, _ in _latency(results):
        extra.append((f"at 70 % of capacity: {name}", offered, "", "", "", p50, p99, ""))
    extra += [(f"in process: {case}", "", "", "", micros, "", "", "") for case, micros in _in_process(results)]
    verdicts = [(text, value, verdict.replace("*", "")) for text, value, verdict in targets(results)]
    if not results["whole"]:
        verdicts = [row for row in verdicts if row[1] != "–"]
    aims = aligned(("Target", "Measured", "Verdict"), verdicts) if verdicts else []
    extra += [(name, f"not run: {why}", *[""] * 6) for name, why in results["parts"].items()]
    warning = _busy(results).replace("*", "")
    gateways = gateway_report.rows(results["gateway"])
    forwarding = [*aligned(gateway_report.HEAD, gateways), *gateway_report.sentences(results["gateway"]), ""]
    return "\n".join(
        [
            *aligned(_HEAD, [*rates(results), *extra]),
            _generator_sentence(results),
            "",
            *(forwarding if gateways else []),
            *aims,
            *(["", warning] if warning else []),
        ]
    )


def _busy(results: dict[str, Any]) -> str:
    """A warning if other work was running, else an empty string."""
    if results["load_before"] < _BUSY_LOAD and spread(results["others"]).median < _BUSY_SHARE:
        return ""
    return (
        f"**The machine was busy with other work ({_others(results)}). Rates "
        "and latencies are worse than on an idle machine, most of all where they wait for the disk. Trust × bare by "
        "CPU first, and no close verdict.**"
    )


def _others(results: dict[str, Any]) -> str:
    others = spread(results["others"])
    return (
        f"load average {results['load_before']:.1f} before, {results['load_after']:.1f} after; between the rows other "
        f"work used {others.median:.0%} of all cores ({others.least:.0%} – {others.most:.0%})"
    )


def _generator_sentence(results: dict[str, Any]) -> str:
    """How much of its core the load generator used at most; the rows that it limits."""
    found = {
        row["label"]: most.most
        for row_id, row in results["rows"].items()
        if (most := of_row(row_id, "generator_share")(results)) is not None
    }
    if not found:
        return ""
    limited = [label for label, share in found.items() if share >= _LIMITED]
    words = f"The load generator used at most {max(found.values()):.0%} of its core."
    return f"{words} It limited these rows, which could be faster: {'; '.join(limited)}." if limited else words


def rates(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """The rows of the rate table, bare first; a row that was not run says why."""
    found = [_bare(results["bare"])] if results["bare"] else []
    for row in results["rows"].values():
        rounds = row["rounds"]
        if not rounds:
            found.append((row["label"], f"not run: {row['skipped']}", *[""] * 6))
            continue
        label = row["label"] + (f" ({len(rounds)} rounds, then {row['skipped']})" if row["skipped"] else "")
        found.append(
            (
                label,
                ranged(_of(rounds, "rate")),
                ranged(_of(rounds, "ratio")),
                number(_of(rounds, "cpu_ratio").median),
                number(_of(rounds, "cpu_us").median),
                number(_of(rounds, "p50_us").median / 1000),
                number(_of(rounds, "p99_us").median / 1000),
                f"{_of(rounds, 'error_share').median:.1%}",
            )
        )
    return found


def targets(results: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Each target with its value and verdict."""
    return [(target.text, *target.verdict(results)) for target in TARGETS]


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]], sides: str, failed: str | None = None) -> str:
    """A Markdown table, or why there is none; ``sides`` is l or r for each column."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    if not cells:
        return f"Not run: {failed}" if failed else "Not measured in this run."
    rule = ["---:" if side == "r" else "---" for side in sides]
    return "\n".join(f"| {' | '.join(row)} |" for row in [list(head), rule, *cells])


def aligned(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Columns for a terminal, the first left-aligned, the others right-aligned; text-only lines are not padded."""
    cells = [[cell.replace("`", "") for cell in row] for row in [head, *rows]]
    text_only = [
        len(row) > 3 and bool(row[1]) and not any(row[2:]) and " " in row[1] and ":" in row[1] for row in cells
    ]
    counted = [row for row, text in zip(cells, text_only, strict=True) if not text]
    widths = [max(len(row[at]) for row in counted) for at in range(len(head))]
    widths[0] = max(len(row[0]) for row in cells)
    lines = []
    for row, text in zip(cells, text_only, strict=True):
        rest = [row[1]] if text else [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *rest]).rstrip())
    return lines


def _bare(slices: list[dict[str, float]]) -> tuple[str, ...]:
    middle = [number(_of(slices, name).median / 1000) for name in ("p50_us", "p99_us")]
    cpu = number(_of(slices, "cpu_us").median)
    return ("bare raw ASGI, no key looked at", ranged(_of(slices, "rate")), "1", "1", cpu, *middle, "")


def _of(rounds: list[dict[str, float]], name: str) -> Spread:
    return spread([one[name] for one in rounds])


def _peers_sentence(results: dict[str, Any]) -> str:
    ratios = []
    for row_id, own in _SAME_DURABILITY.items():
        found = to_row(own, row_id)(results)
        if found is not None:
            name = results["rows"][row_id]["label"].split(",")[0]
            ratios.append(f"{name} ({row_id}): {ranged(found)}{' with `fsync`' if own == 'me-fsync' else ''}")
    start = (
        "The rate of ARI's `GET /api/me` on SQLite over that of each peer, at the same durability, in the same round: "
    )
    return f"{start}{'; '.join(ratios)}." if ratios else ""


def _stored(results: dict[str, Any]) -> list[tuple[str, str]]:
    """Rows by what they have stored when they respond."""
    found: dict[str, list[str]] = {}
    for row in results["rows"].values():
        if row["rounds"]:
            found.setdefault(row["stored"], []).append(row["label"])
    return [(stored, "; ".join(labels)) for stored, labels in found.items()]


def _workers(results: dict[str, Any]) -> list[tuple[str, ...]]:
    table: list[tuple[str, ...]] = []
    for row_id, row in results["workers"].items():
        rounds = row["rounds"]
        if not rounds:
            table.append((row["label"], f"not run: {row['skipped']}", *[""] * 5))
            continue
        group, _, count = row_id.rpartition("-")
        ratio = to_one(group, int(count))(results)
        database = number(_of(rounds, "database_cpu_us").median) if "postgresql" in group else "–"
        errors = _of(rounds, "error_share").most
        table.append(
            (
                row["label"] + (f" (errors: {errors:.1%})" if errors else ""),
                ranged(_of(rounds, "rate")),
                ranged(_of(rounds, "worker_cpu_us")),
                ranged(ratio) if ratio else "–",
                number(_of(rounds, "server_cpu_us").median),
                database,
                number(_of(rounds, "p99_us").median / 1000),
            )
        )
    return table


def _sizes(results: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    return [
        (
            f"{int(count):,}",
            ranged(spread(found["rate"])),
            ranged(spread(found["cpu_us"])),
            ranged(spread(found["slowdown"])) if found["slowdown"] else "–",
            number(found["start_seconds"]),
        )
        for count, found in results["sizes"].items()
    ]


def _memory(results: dict[str, Any]) -> str:
    parts = []
    if results["memory"]:
        fresh, loaded = results["memory"]["fresh"][0], results["memory"]["loaded"][0]
        parts.append(
            f"A worker with 1,000,000 keys uses {fresh:.0f} MB when it is ready and {loaded:.0f} MB after the load "
            "(resident, with shared pages)."
        )
    if results["start"]:
        seconds = ranged(spread(results["start"]["seconds"]))
        parts.append(f"From the command to the first 200 from `/api/health`: {seconds} s.")
    return " ".join(parts)


def _latency(results: dict[str, Any]) -> list[tuple[str, ...]]:
    labels = {"bare": "bare raw ASGI", "me": "ARI, `GET /api/me`, SQLite"}
    found = []
    for name, label in labels.items():
        rounds = results["latency"].get(name)
        if not rounds:
            continue
        times = [ranged(spread([one[key] / 1000 for one in rounds])) for key in ("p50_us", "p99_us")]
        late = number(_of(rounds, "sent_late_p99_us").median / 1000)
        found.append((label, *(number(_of(rounds, key).median) for key in ("wanted_rate", "rate")), *times, late))
    return found


def _in_process(results: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, ranged(Spread(*values))) for name, values in results["in_process"].items()]
