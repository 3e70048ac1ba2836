"""``make bench``: measure, print one table, write ``docs/reference/benchmarks.md``."""

import argparse
import json
import re
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks import data, machine, peers, report
from benchmarks.plan import Plan
from benchmarks.run import PARTS, all_rows, measure

PAGE = machine.ROOT / "docs" / "reference" / "benchmarks.md"
RESULTS = machine.ROOT / "build" / "bench" / "results.json"


def options(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure ARI next to its peers.")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds of everything (5)")
    parser.add_argument("--seconds", type=int, default=4, help="seconds of load per row and round (4)")
    parser.add_argument(
        "--only", metavar="REGEX", help="only rows and parts whose name matches; prints, writes no page"
    )
    parser.add_argument("--no-peers", action="store_true", help="skip the peers; prints, writes no page")
    parser.add_argument("--large", action="store_true", help="10,000,000 keys too: a few minutes and GB the first time")
    parser.add_argument(
        "--quick", action="store_true", help="one round of one second each, small data sets; prints, writes no page"
    )
    parser.add_argument(
        "--limit", type=int, default=120, metavar="MINUTES", help="begin nothing more after this time (120)"
    )
    parser.add_argument("--list", action="store_true", help="print the names of all rows and parts for --only")
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="write the page to this file, even if parts were skipped"
    )
    parser.add_argument("--again", action="store_true", help="print and write the last results again without measuring")
    found = parser.parse_args(words)
    if found.rounds < 1 or found.seconds < 1 or found.limit < 1:
        parser.error("--rounds, --seconds and --limit must be at least 1.")
    if found.quick:
        found.rounds, found.seconds, found.large = 1, 1, False
    try:
        re.compile(found.only or "")
    except re.error as error:
        parser.error(f"--only isn't a regular expression: {error}.")
    return found


def main() -> int:
    """Run the benchmark."""
    asked = options()
    if asked.list:
        print("\n".join(names()))
        return 0
    if asked.again:
        results = json.loads(RESULTS.read_text(encoding="utf-8"))
    else:
        machine.require_wrk()
        signal.signal(signal.SIGTERM, _end)  # servers are sessions of their own: they end only if we end them
        results = _measured(asked)
    print(report.terminal(results))
    complete = results["whole"] and not results["ended_early"]
    page = asked.page or (PAGE if complete else None)
    if page is not None:
        page.write_text(report.page(results), encoding="utf-8")
        print(f"\nWritten: {page}")
    elif results.get("quick"):
        print("\nThese figures are rough; docs/reference/benchmarks.md is unchanged.")
    else:
        print("\nOnly a part was run; docs/reference/benchmarks.md is unchanged.")
    return 0


def names() -> list[str]:
    """The names of all rows and parts, one for each line."""
    with tempfile.TemporaryDirectory() as folder:
        plan = _plan(options([]), Path(folder), lambda _: None)
        nothing = data.Data({}, [], [])
        rows = [f"{row.id}: {row.label}" for row in all_rows(plan, nothing, lambda: nothing)]
    rows += [f"{name}: {label}" for name, label in peers.LABELS.items()]
    return [*rows, *(f"{part}: {', '.join(own) or 'one part'}" for part, own in PARTS.items())]


def _measured(asked: argparse.Namespace) -> dict[str, Any]:
    """Measure, saving the results after each round, so that an interrupted run isn't lost."""
    command = " ".join(["make bench", *([f'ARGS="{shlex.join(sys.argv[1:])}"'] if sys.argv[1:] else [])])
    whole = not (asked.only or asked.no_peers or asked.quick)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)

    def keep(results: dict[str, Any]) -> None:
        results |= {"command": command, "whole": whole, "quick": asked.quick}
        RESULTS.write_text(json.dumps(results, indent=1), encoding="utf-8")

    with tempfile.TemporaryDirectory(prefix="ari-bench-") as folder:
        return measure(_plan(asked, Path(folder), keep))


def _plan(asked: argparse.Namespace, folder: Path, keep: Callable[[dict[str, Any]], None]) -> Plan:
    plan = Plan(folder, asked.rounds, asked.seconds, _matcher(asked.only), not asked.no_peers, asked.large, keep)
    plan.limit_minutes = asked.limit
    if asked.quick:
        plan.quick, plan.rest_seconds = True, 1
    return plan


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _matcher(pattern: str | None) -> Callable[[str], bool]:
    if pattern is None:
        return lambda _: True
    wanted = re.compile(pattern)
    return lambda name: wanted.search(name) is not None


if __name__ == "__main__":
    sys.exit(main())
