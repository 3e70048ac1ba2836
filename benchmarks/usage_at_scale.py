"""What reading the usage log costs as it grows: ``python -m benchmarks.usage_at_scale --rows 10000 10000000``.

Fills a log per size and times what people and programs ask of it: the usage page and ``GET /api/usage`` over HTTP, and
every question through ``UsageTables``, a page from the beginning and a page from a cursor deep in the log. Medians of
many calls; sizes take turns.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import text

from ari.base.clock import DAY_MS, HOUR_MS
from ari.storage.usage.reports import UsageReports
from ari.storage.usage.store import UsageTables
from ari.usage.model import UsageFilter, UsageRow
from ari.usage.search import UsageSearch
from benchmarks import postgresql
from benchmarks.stats import number
from benchmarks.usage_fill import END_MS, FLOODED, KEYS, RARE, RARE_CODE, START_MS, Filled, fill
from benchmarks.usage_over_http import PLACES, visited

PAGE = 51
BUSY = KEYS[5]
_DAY = END_MS - 40 * DAY_MS, END_MS - 39 * DAY_MS
FILTERS = {
    "no filter": UsageFilter(),
    "busy key": UsageFilter(BUSY),
    "rare key": UsageFilter(RARE),
    "code ok": UsageFilter(code="ok"),
    "code expired": UsageFilter(code="expired"),
    "code of two rows": UsageFilter(code=RARE_CODE),
    "code of no row": UsageFilter(code="disabled"),
    "busy key, code expired": UsageFilter(BUSY, "expired"),
    "flooded key, code ok": UsageFilter(FLOODED, "ok"),
    "rare key, code expired": UsageFilter(RARE, "expired"),
    "one day": UsageFilter(None, None, *_DAY),
    "busy key, one day": UsageFilter(BUSY, None, *_DAY),
    "code expired, one day": UsageFilter(None, "expired", *_DAY),
    "flooded key, code ok, since day 2": UsageFilter(FLOODED, "ok", since_ms=START_MS + 2 * DAY_MS),
    "busy key, code ok, one day": UsageFilter(BUSY, "ok", *_DAY),
    "until the first hour": UsageFilter(until_ms=START_MS + HOUR_MS),
}
Question = Callable[[UsageTables], object]


def questions(store: UsageTables) -> dict[str, Question]:
    """Everything that is asked, by its name; cursors are those of this log."""
    deep = _search(store, UsageFilter(until_ms=START_MS + 10 * DAY_MS), None, 1)[0].id
    asked = {f"page: {name}": _page(where, None) for name, where in FILTERS.items()}
    for name in ("no filter", "busy key", "code expired", "busy key, code expired"):
        asked[f"page from a deep cursor: {name}"] = _page(FILTERS[name], deep)
    asked["totals of 50 keys"] = lambda log: log.totals(KEYS[:50])
    asked["attempts: newest 50"] = lambda log: log.attempts(0, 50)
    asked["attempts: of the last day"] = lambda log: log.attempts(END_MS - DAY_MS, 50)
    asked["rollups: busy key, 30 days by the hour"] = lambda log: UsageReports(
        log._engine, log.rows, log.catch_up, log.complete_until_ms
    ).hours(BUSY, END_MS - 30 * DAY_MS, END_MS)
    asked["addresses of a key"] = lambda log: log.addresses(BUSY, 50)
    asked["user agents of a key"] = lambda log: log.agents(BUSY, 50)
    return asked


def _page(where: UsageFilter, before_id: str | None) -> Question:
    return lambda log: _search(log, where, before_id, PAGE)


def _search(store: UsageTables, where: UsageFilter, before_id: str | None, limit: int) -> list[UsageRow]:
    return (
        UsageReports(store._engine, store.rows, store.catch_up, store.complete_until_ms)
        .search(UsageSearch(where), before_id, limit)
        .rows
    )


def timed(store: UsageTables, question: Question, seconds: float) -> list[float]:
    """Milliseconds of each call, for about this long but at least five times."""
    found: list[float] = []
    end = time.perf_counter() + seconds
    while len(found) < 5 or time.perf_counter() < end:
        began = time.perf_counter()
        question(store)
        found.append((time.perf_counter() - began) * 1000)
    return found


def measure(logs: Sequence[Filled], rounds: int, seconds: float) -> dict[str, list[float]]:
    """The median of each question's calls for each log, the logs taking turns."""
    asked = [questions(log.database.usage) for log in logs]
    times: dict[str, list[list[float]]] = {name: [[] for _ in logs] for name in asked[0]}
    for _ in range(rounds):
        for name, columns in times.items():
            for log, mine, column in zip(logs, asked, columns, strict=True):
                column.extend(timed(log.database.usage, mine[name], seconds))
    return {name: [statistics.median(column) for column in columns] for name, columns in times.items()}


def measure_over_http(logs: Sequence[Filled], rounds: int, seconds: float) -> dict[str, list[float]]:
    """The same of whole answers, each log with a server of its own."""
    with ExitStack() as held:
        visitors = [held.enter_context(visited(log.folder, log.url)) for log in logs]
        times: dict[str, list[list[float]]] = {name: [[] for _ in logs] for name in PLACES}
        for _ in range(rounds):
            for name, columns in times.items():
                for visitor, column in zip(visitors, columns, strict=True):
                    column.extend(visitor.milliseconds(PLACES[name], seconds))
    return {name: [statistics.median(column) for column in columns] for name, columns in times.items()}


def measure_space(logs: Sequence[Filled]) -> dict[str, list[float]]:
    """Bytes per row, indexes included: of the rows alone, and with the texts they refer to."""
    found: dict[str, list[float]] = {"bytes per row": [], "bytes per row with texts": []}
    for log in logs:
        with log.database.log.connect() as connection:
            found_sizes = connection.execute(text(_SPACE[connection.dialect.name]))
            sizes = {str(name): int(size) for name, size in found_sizes}
        found["bytes per row"].append(sizes["usage_log"] / log.rows)
        found["bytes per row with texts"].append(sum(sizes.values()) / log.rows)
    return found


_SPACE = {
    "sqlite": """SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_master USING (name)
    WHERE tbl_name IN ('usage_log', 'usage_names', 'usage_callers') GROUP BY 1""",
    "postgresql": """SELECT name, coalesce((SELECT sum(pg_total_relation_size(relid))
        FROM pg_partition_tree(name::regclass)), pg_total_relation_size(name::regclass))
    FROM unnest(ARRAY['usage_log', 'usage_names', 'usage_callers']) AS name""",
}


def table(logs: Sequence[Filled], found: dict[str, list[float]]) -> str:
    """Markdown; milliseconds or as the line says, and how much dearer the largest log is than the smallest."""
    heads = [f"{log.rows:,} rows" for log in logs]
    lines = [f"| ms | {' | '.join(heads)} | ratio |", f"|---|{'---:|' * (len(heads) + 1)}"]
    for name, medians in found.items():
        cells = " | ".join(number(median) for median in medians)
        lines.append(f"| {name} | {cells} | {medians[-1] / medians[0]:.1f} |")
    return "\n".join(lines)


def main(words: Sequence[str]) -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.1, help="of each question, log and round")
    parser.add_argument("--folder", type=Path, help="keep SQLite logs here and use them again")
    given = parser.parse_args(words)
    with ExitStack() as held:
        folder = given.folder or Path(held.enter_context(tempfile.TemporaryDirectory(prefix="ari-usage-")))
        logs = []
        for rows in given.rows:
            url = None
            if given.database == "postgresql":
                server = held.enter_context(postgresql.database())
                if server is None:
                    raise SystemExit(postgresql.MISSING)
                url = server[0]
            began = time.perf_counter()
            logs.append(fill(folder / str(rows), rows, url))
            held.callback(logs[-1].database.close)
            print(f"{rows:,} rows made in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        found = measure_space(logs) | measure_over_http(logs, given.rounds, given.seconds)
        print(table(logs, found | measure(logs, given.rounds, given.seconds)))


if __name__ == "__main__":
    main(sys.argv[1:])
