"""Render results as a table in the terminal and as the page ``docs/reference/benchmarks.md``."""

from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks import gateway_report
from benchmarks.stats import Spread, number, ranged, spread
from benchmarks.targets import TARGETS, to_row

NOTE = "<!-- Written by `make bench`: run it again instead of editing this page. -->\n"
_HEAD = ("Row", "responses/s", "× bare", "× bare by CPU", "CPU µs", "p50 ms", "p99 ms", "errors")
_BUSY = 1.0
"""The load average from which other work counts as disturbing the run."""
_PACED_HEAD = ("", "offered/s", "answered/s", "p50 ms", "p99 ms", "sent late, p99 ms")
_INTRO = """\
Figures from one machine on one day. Compare ratios, not figures, and treat less than ±30 % as noise where the ranges
are wide. `make bench` [measures again](../guides/benchmark.md)."""
_WHY = """\
[The lab notebook](../../benchmarks/NOTES.md#the-hot-path-decision-10) explains where the time goes and why targets
are missed."""
_OPTIONS = """\
Options: `make bench ARGS="--rounds 3 --seconds 2 --only 'me|bad' --no-peers --large"`. With `--only` or `--no-peers`
this page isn't written. Peers and large data sets are cached in `~/.cache/ari-bench` (`ARI_BENCH_CACHE`). PostgreSQL
is used at 127.0.0.1:5432 or at `ARI_BENCH_DATABASE_URL`. All single figures are in `build/bench/results.json`."""
_METHOD = """\
- Every server gets a new process on one core. The load generator (`wrk`, one thread, 64 connections unless noted,
  closed loop) runs on another. One second of load warms a server up before it is measured.
- Rounds are interleaved, and every other round runs in reverse order. The bare server (raw ASGI, served exactly as
  `ari serve` serves, the same requests, five fields of JSON) is measured immediately before and after each row; **×
  bare** is the row's rate over the mean of these two. Ratios between two rows compare their × bare within one round,
  so a slow phase of the machine slows both sides.
- Figures are medians over the rounds, with the minimum and maximum in parentheses. **CPU µs** is the processor time
  of the server's processes per response (without a PostgreSQL server), and **× bare by CPU** the bare server's over
  it. It includes the folding that ARI does up to seven seconds later. Where the two × bare differ otherwise,
  something else used the server's core. **errors** is the share of requests without the expected response; only
  expected responses count in the rate. p50 and p99 in the first table are those of a saturated server, so they mirror
  the rate.
- 1,000 keys are used in turn (10,000 in larger tables, spread over them). ARI verifies each request against the
  database and commits its usage row before it responds. PostgreSQL runs as found, without its own core.
- With more keys, compare **CPU µs**, folding included: a rate over four seconds depends on whether a fold falls into
  them.
- Latency at 70 % of capacity is an open loop (`benchmarks/paced.py`, 256 connections): requests are sent by the
  clock, and their latency counts from when they were due, so a stalled server can't hide its stall. Each server's
  capacity is measured immediately before, in the same round, long enough to include folding.
- Peers in Python run on the same interpreter as ARI. An interpreter compiled without profile-guided optimization,
  pyenv's default, takes about a tenth longer per request;
  see "call a Python function that does nothing" under Verification in process.
- The AI gateways forward the same chat to the same provider in the same rounds, one process on the server's core and
  one at a time. LiteLLM's proxy runs with the settings that its documentation gives for production, with a master key
  and without a database, so it checks one key and logs nothing; Portkey's gateway runs without its console and checks
  no keys. ARI verifies the key, logs each request before it forwards it, and counts tokens and cost. A streamed chat
  has 16 events, all sent at once. The provider is local, responds immediately, and shares the load generator's core.
  Before another gateway is loaded, the one before has become idle. Memory counts all processes (PSS) after the load.
- Delays are measured at 200 requests a second sent by the clock, those of the first event at 50.
- Peers run in the configuration that suits them best, on the same core, with as little as possible around them.
  keyshield as documented runs on one connection for at least ten seconds, because more connections make it fail on a
  locked database. Better Auth's own rate limit is raised, otherwise it refuses after ten requests a day."""


def page(results: dict[str, Any]) -> str:
    """The page as Markdown."""
    facts = {"Date": results["date"], "Command": f"`{results['command']}`", **results["facts"]}
    facts["Run"] = (
        f"{results['rounds']} rounds, {results['seconds']} s for each row, {results['minutes']} minutes; load average "
        f"{results['load_before']:.1f} before, {results['load_after']:.1f} after"
    )
    failed = results["parts"]
    parts = [
        "# Benchmarks",
        _INTRO,
        "**The run was interrupted: missing figures were not measured.**" if results["ended_early"] else "",
        _busy(results),
        "## Targets",
        markdown(("Target", "Measured", "Verdict"), targets(results), "lrl"),
        _WHY,
        "## Rates",
        markdown(_HEAD, rates(results), "lrrrrrrr"),
        _peers_sentence(results),
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
        _METHOD,
        "## Machine and versions",
        "\n".join(f"- **{name}**: {text}" for name, text in facts.items()),
        _OPTIONS,
    ]
    return NOTE + "\n\n".join(part for part in parts if part) + "\n"


def terminal(results: dict[str, Any]) -> str:
    """All results as one table for the terminal."""
    extra = [(f"{count} keys", rate, "", "", cpu, "", "", "") for count, rate, cpu, _, _ in _sizes(results)]
    for name, offered, _, p50, p99, _ in _latency(results):
        extra.append((f"at 70 % of capacity: {name}", offered, "", "", "", p50, p99, ""))
    extra += [(f"in process: {case}", "", "", "", micros, "", "", "") for case, micros in _in_process(results)]
    aims = aligned(("Target", "Measured", "Verdict"), [(a, b, c.replace("*", "")) for a, b, c in targets(results)])
    extra += [(name, f"not run: {why}", *[""] * 6) for name, why in results["parts"].items()]
    warning = _busy(results).replace("*", "")
    gateways = gateway_report.rows(results["gateway"])
    forwarding = [*aligned(gateway_report.HEAD, gateways), *gateway_report.sentences(results["gateway"]), ""]
    return "\n".join(
        [
            *aligned(_HEAD, [*rates(results), *extra]),
            "",
            *(forwarding if gateways else []),
            *aims,
            *(["", warning] if warning else []),
        ]
    )


def _busy(results: dict[str, Any]) -> str:
    """A warning if other work was running when the run began, else an empty string."""
    if results["load_before"] < _BUSY:
        return ""
    return (
        f"**The machine was busy with other work (load average {results['load_before']:.1f} when the run began). Rates "
        "and latencies are worse than on an idle machine, most of all where they wait for the disk. Trust × bare by "
        "CPU first, and no close verdict.**"
    )


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
    for row_id, row in results["rows"].items():
        found = to_row("me", row_id)(results)
        if found is not None and row_id.split("-")[0] in ("better", "drf", "keyshield"):
            ratios.append(f"{row['label'].split(',')[0]} ({row_id}): {ranged(found)}")
    return (
        "The rate of ARI's `GET /api/me` on SQLite over that of each peer, in the same round: "
        + "; ".join(ratios)
        + "."
        if ratios
        else ""
    )


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
