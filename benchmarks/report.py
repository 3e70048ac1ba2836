"""From results to words: the table in the terminal and the page ``docs/reference/benchmarks.md``."""

from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.stats import Spread, number, ranged, spread
from benchmarks.targets import TARGETS, to_row

NOTE = "<!-- Written by `make bench`: run it again rather than edit this page. -->\n"
_HEAD = ("Row", "answers/s", "× bare", "× bare by CPU", "CPU µs", "p50 ms", "p99 ms", "amiss")
GATEWAY_HEAD = ("A short chat passed on, 32 connections", "answers/s", "CPU µs")
_BUSY = 1.0
"""A load average from which on the run was not alone."""
_PACED_HEAD = ("", "offered/s", "answered/s", "p50 ms", "p99 ms", "sent late, p99 ms")
_INTRO = """\
Figures of one machine and one day: compare ratios, not figures, and treat less than ±30 %
as noise where the brackets are wide. `make bench` makes this page again."""
_WHY = """\
Where the time of a request goes, and why targets are missed that are, is in
[decision 10](../decisions/0010-hot-path.md)."""
_OPTIONS = """\
Options: `make bench ARGS="--rounds 3 --seconds 2 --only 'me|bad' --no-peers --large"`; with `--only` or `--no-peers`
this page stays as it is. Peers and big data sets are kept in `~/.cache/ari-bench` (`ARI_BENCH_CACHE`); PostgreSQL is
found on 127.0.0.1:5432 or named by `ARI_BENCH_DATABASE_URL`. Single figures are in `build/bench/results.json`."""
_METHOD = """\
- Every server gets a fresh process on one core; the load generator (`wrk`, one thread, 64 connections unless said
  otherwise, closed loop) runs on another. One second of load warms a server up before it is measured.
- Rounds are interleaved, the order reversed in every other. Right before and right after each row the bare server
  (raw ASGI, served exactly as `ari serve` serves, the same requests, five fields of JSON) is measured;
  **× bare** is the row's rate over the mean of these two. Ratios between two rows are ratios of their × bare within one
  round. So a machine that is slow for a while slows both sides.
- Figures are medians over the rounds with the least and the most in brackets. **CPU µs** is processor time of the
  server's processes for each answer (that of a PostgreSQL server is not in it) and **× bare by CPU** the bare server's
  over it. It holds what ARI does after the load, since it counts what it logged up to seven seconds later (the second
  of warming up too); where the two × bare differ otherwise, something else used the server's core. **amiss** is the
  share of requests that did not get the answer expected; only answers of the expected kind are counted in the rate. p50
  and p99 in the first table are those of a saturated server: they mirror the rate.
- Keys rotate over 1,000 (10,000 in bigger tables, spread over them); ARI verifies each request against the database and
  commits its usage row before it answers. PostgreSQL runs as it was found, on no core of its own.
- With ever more keys the time of a request is its **CPU µs**, counting included: a rate of four seconds depends on
  whether counting falls into them. In the bigger tables 10,000 different keys are presented in turn.
- Latency at 70 % of capacity is an open loop (`benchmarks/paced.py`, 256 connections): requests leave by the clock and
  their latency counts from the instant they were due, so a stalled server cannot hide its stall. Each server's capacity
  is measured right before, in the same round, and so long that ARI counts meanwhile what it logs.
- Peers in Python run on the same interpreter as ARI. One that was compiled without profile-guided optimisation, as by
  pyenv unless told otherwise, takes about a tenth longer for a request: the first line of "in process" tells.
- The AI gateway is measured with 32 connections beside bare forwarders of the same chat, each with another HTTP client;
  the provider is a local one that answers at once, and shares the load's core.
- Peers run in the shape that suits them best, on the same core, with as little as possible around them. keyshield as
  documented runs on one connection for at least ten seconds: more connections make it fail on a locked database.
  Better Auth's own rate limit is raised, else it refuses after ten requests a day."""


def page(results: dict[str, Any]) -> str:
    """The whole page."""
    facts = {"Date": results["date"], "Command": f"`{results['command']}`", **results["facts"]}
    facts["Run"] = (
        f"{results['rounds']} rounds, {results['seconds']} s for each row, {results['minutes']} minutes; load average "
        f"{results['load_before']:.1f} before, {results['load_after']:.1f} after"
    )
    failed = results["parts"]
    parts = [
        "# Benchmarks",
        _INTRO,
        "**The run was ended early: what is missing was not measured.**" if results["ended_early"] else "",
        _busy(results),
        "## Targets",
        markdown(("Target", "Measured", "Verdict"), targets(results), "lrl"),
        _WHY,
        "## Rates",
        markdown(_HEAD, rates(results), "lrrrrrrr"),
        _peers_sentence(results),
        "## Number of keys, memory, start",
        markdown(
            ("Keys", "answers/s", "CPU µs", "over that at 1,000", "start s"),
            _sizes(results),
            "rrrrr",
            failed.get("sizes"),
        ),
        _memory(results),
        "## Latency at 70 % of capacity",
        markdown(_PACED_HEAD, _latency(results), "lrrrrr", failed.get("latency")),
        "## AI gateway",
        markdown(GATEWAY_HEAD, gateway(results.get("gateway", {})), "lrr", failed.get("gateway")),
        gateway_sentence(results.get("gateway", {})),
        "## Verification in process",
        markdown(("Case", "µs"), _in_process(results), "lr", failed.get("in-process")),
        "## Method",
        _METHOD,
        "## Machine and versions",
        "\n".join(f"- **{name}**: {text}" for name, text in facts.items()),
        _OPTIONS,
    ]
    return NOTE + "\n\n".join(part for part in parts if part) + "\n"


def terminal(results: dict[str, Any]) -> str:
    """One table with everything, for the eye."""
    extra = [(f"{count} keys", rate, "", "", cpu, "", "", "") for count, rate, cpu, _, _ in _sizes(results)]
    for name, offered, _, p50, p99, _ in _latency(results):
        extra.append((f"at 70 % of capacity: {name}", offered, "", "", "", p50, p99, ""))
    for label, rate, cost in gateway(results.get("gateway", {})):
        extra.append((f"32 connections: {label}", rate, "", "", cost, "", "", ""))
    extra += [(f"in process: {case}", "", "", "", micros, "", "", "") for case, micros in _in_process(results)]
    aims = aligned(("Target", "Measured", "Verdict"), [(a, b, c.replace("*", "")) for a, b, c in targets(results)])
    extra += [(name, f"not run: {why}", *[""] * 6) for name, why in results["parts"].items()]
    warning = _busy(results).replace("*", "")
    return "\n".join([*aligned(_HEAD, [*rates(results), *extra]), "", *aims, *(["", warning] if warning else [])])


def _busy(results: dict[str, Any]) -> str:
    """A warning, where others were using the machine when the run began."""
    if results["load_before"] < _BUSY:
        return ""
    return (
        f"**The machine was busy with other work (load average {results['load_before']:.1f} when the run began): rates "
        "and latencies are worse than they would be alone, those that wait for the disk most of all. Believe × bare by "
        "CPU first, and no verdict that is close.**"
    )


def rates(results: dict[str, Any]) -> list[tuple[str, ...]]:
    """The rows of the table, bare first; one that was not run says why."""
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
                f"{_of(rounds, 'amiss').median:.1%}",
            )
        )
    return found


def targets(results: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Each target, its value, its verdict."""
    return [(target.text, *target.verdict(results)) for target in TARGETS]


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]], sides: str, failed: str | None = None) -> str:
    """A table, or why there is none; ``sides`` has l or r for each column."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    if not cells:
        return f"Not run: {failed}" if failed else "Not measured in this run."
    rule = ["---:" if side == "r" else "---" for side in sides]
    return "\n".join(f"| {' | '.join(row)} |" for row in [list(head), rule, *cells])


def aligned(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Columns for a terminal, the first to the left and the others to the right; a line that is only text runs on."""
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
    told = []
    for row_id, row in results["rows"].items():
        found = to_row("me", row_id)(results)
        if found is not None and row_id.split("-")[0] in ("better", "drf", "keyshield"):
            told.append(f"{row['label'].split(',')[0]} ({row_id}): {ranged(found)}")
    return "ARI's `GET /api/me` on SQLite over each peer, in the same round: " + "; ".join(told) + "." if told else ""


def _sizes(results: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    return [
        (
            f"{int(count):,}",
            ranged(spread(found["rate"])),
            ranged(spread(found["cpu_us"])),
            ranged(spread(found["slowdown"])),
            number(found["start_seconds"]),
        )
        for count, found in results["sizes"].items()
    ]


def _memory(results: dict[str, Any]) -> str:
    parts = []
    if results["memory"]:
        fresh, loaded = results["memory"]["fresh"][0], results["memory"]["loaded"][0]
        parts.append(
            f"A worker with 1,000,000 keys holds {fresh:.0f} MB when it is ready and {loaded:.0f} MB after the load "
            "(resident, shared pages included)."
        )
    if results["start"]:
        seconds = ranged(spread(results["start"]["seconds"]))
        parts.append(f"From the command to the first 200 of `/api/health`: {seconds} s.")
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


def gateway(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What passes a short chat on, how many a second, and the processor time of each."""
    rows = [{"label": "ARI's gateway: verified, logged, metered", **found}, *found["clients"].values()] if found else []
    return [(one["label"], ranged(spread(one["rate"])), ranged(spread(one["cpu_us"]))) for one in rows]


def gateway_sentence(found: dict[str, Any]) -> str:
    """What the gateway adds to a direct call."""
    if not found:
        return ""
    direct, through = (number(spread(found[name]).median / 1000) for name in ("direct_us", "through_us"))
    return (
        f"At 200 requests a second, sent by the clock, the median answer took {direct} ms from the provider itself and "
        f"{through} ms through the gateway: {ranged(spread(found['added_ms']))} ms more."
    )


def _in_process(results: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, ranged(Spread(*values))) for name, values in results["in_process"].items()]
