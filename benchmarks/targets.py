"""ARI's performance targets, and whether a run met them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.gateway_report import ratios
from benchmarks.stats import Spread, number, ranged, spread

Results = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """``least`` or ``most`` is the bound; ``of`` returns the measured value, or ``None``."""

    text: str
    of: Callable[[Results], Spread | None]
    least: float | None = None
    most: float | None = None
    unit: str = ""

    def verdict(self, results: Results) -> tuple[str, str]:
        """The value with its spread, and met or missed with by how much."""
        found = self.of(results)
        if found is None:
            return "–", "not measured in this run"
        bound = self.least if self.least is not None else self.most
        assert bound is not None
        met = found.median >= bound if self.least is not None else found.median <= bound
        return ranged(found, self.unit), f"{'met' if met else '**missed**'} {_by(found.median, bound, self.unit)}"


def _by(value: float, bound: float, unit: str) -> str:
    difference = f"{number(abs(value - bound))}{unit}"
    share = f", {abs(value - bound) / abs(bound):.0%}" if bound else ""
    return f"by {difference}{share}"


def of_row(row_id: str, name: str) -> Callable[[Results], Spread | None]:
    """A figure of a row."""

    def find(results: Results) -> Spread | None:
        rounds = results["rows"].get(row_id, {}).get("rounds", [])
        return spread([one[name] for one in rounds]) if rounds else None

    return find


def to_bare(row_id: str) -> Callable[[Results], Spread | None]:
    """A row's rate over that of bare ASGI around it."""
    return of_row(row_id, "ratio")


def to_one(group: str, count: int) -> Callable[[Results], Spread | None]:
    """Processor time per request of ``count`` workers or nodes over that of one in the same round."""

    def find(results: Results) -> Spread | None:
        many, one = (
            {one["round"]: one["worker_cpu_us"] for one in results["workers"].get(f"{group}-{n}", {}).get("rounds", [])}
            for n in (count, 1)
        )
        both = [many[at] / one[at] for at in sorted(many.keys() & one.keys()) if one[at] > 0]
        return spread(both) if both else None

    return find


def to_row(row_id: str, other: str, change: Callable[[float], float] = lambda ratio: ratio) -> Any:
    """A row's rate over another's in the same round, both over bare ASGI around them."""

    def find(results: Results) -> Spread | None:
        first, second = (
            {one["round"]: one["ratio"] for one in results["rows"].get(name, {}).get("rounds", [])}
            for name in (row_id, other)
        )
        both = [change(first[at] / second[at]) for at in first.keys() & second.keys() if second[at] > 0]
        return spread(both) if both else None

    return find


def _size(count: str) -> Callable[[Results], Spread | None]:
    def find(results: Results) -> Spread | None:
        found = results["sizes"].get(count)
        return spread(found["slowdown"]) if found and found["slowdown"] else None

    return find


def _series(*path: str) -> Callable[[Results], Spread | None]:
    def find(results: Results) -> Spread | None:
        found: Any = results
        for name in path:
            found = found.get(name, {})
        return spread(found) if found else None

    return find


def _gateway_target(text: str, other: str, case: str, least: float) -> Target:
    return Target(text, lambda results: ratios(results["gateway"], "ari", other, case), least=least, unit="×")


TARGETS = (
    Target("`GET /api/me` on SQLite over bare ASGI ≥ 0.5 (aim 0.6)", to_bare("me"), least=0.5),
    Target("`GET /api/me` on PostgreSQL over bare ASGI ≥ 0.3", to_bare("me-postgresql"), least=0.3),
    Target(
        "workers' processor time for a `GET /api/me` on SQLite ≤ 40 µs",
        of_row("me", "worker_cpu_us"),
        most=40,
        unit=" µs",
    ),
    Target("over Better Auth, best durable setting ≥ 25", to_row("me", "better-auth-wal"), least=25, unit="×"),
    Target("over djangorestframework-api-key ≥ 20", to_row("me", "drf"), least=20, unit="×"),
    Target("over keyshield as documented ≥ 1000", to_row("me-fsync", "keyshield"), least=1000, unit="×"),
    Target("a limited key over an unlimited one, SQLite ≥ 0.75", to_row("limited", "hot"), least=0.75),
    Target(
        "a limited key over an unlimited one, PostgreSQL ≥ 0.75",
        to_row("limited-postgresql", "hot-postgresql"),
        least=0.75,
    ),
    Target(
        "the middleware adds to a FastAPI route ≤ 15 %",
        to_row("route", "route-guarded", lambda ratio: (ratio - 1) * 100),
        most=15,
        unit=" %",
    ),
    Target(
        "`ari.guard`, local, adds to a FastAPI route with a query ≤ 35 %",
        to_row("orders", "orders-guard", lambda ratio: (ratio - 1) * 100),
        most=35,
        unit=" %",
    ),
    Target("a request at 1,000,000 keys over one at 1,000 ≤ 1.3", _size("1000000"), most=1.3),
    Target("a request at 10,000,000 keys over one at 1,000 ≤ 1.3", _size("10000000"), most=1.3),
    Target("p99 at 70 % of capacity over bare's ≤ 3", _series("latency", "ratio"), most=3),
    Target("memory of a worker with 1,000,000 keys ≤ 200 MB", _series("memory", "loaded"), most=200, unit=" MB"),
    _gateway_target("the AI gateway over LiteLLM's proxy ≥ 25", "litellm", "whole-32", 25),
    _gateway_target("the AI gateway over LiteLLM's proxy, streamed ≥ 25", "litellm", "streamed-32", 25),
    _gateway_target("the AI gateway over Portkey's gateway ≥ 3", "portkey", "whole-32", 3),
    _gateway_target("the AI gateway over Portkey's gateway, streamed ≥ 3", "portkey", "streamed-32", 3),
    _gateway_target("the AI gateway over a bare aiohttp forwarder ≥ 0.5", "aiohttp", "whole-32", 0.5),
    _gateway_target("the AI gateway over a bare aiohttp forwarder, streamed ≥ 0.5", "aiohttp", "streamed-32", 0.5),
    Target(
        "the AI gateway adds to the median at 200/s ≤ 1 ms",
        _series("gateway", "delays", "added_whole_ms"),
        most=1,
        unit=" ms",
    ),
    Target(
        "the AI gateway delays the first event of a stream by ≤ 1 ms",
        _series("gateway", "delays", "added_first_ms"),
        most=1,
        unit=" ms",
    ),
    Target("memory with 2,000 open streams ≤ 400 MB", _series("gateway", "streams", "megabytes"), most=400, unit=" MB"),
    Target("processor time per request, 4 workers over 1, SQLite ≤ 1.1", to_one("workers-sqlite", 4), most=1.1),
    Target("processor time per request, 4 workers over 1, PostgreSQL ≤ 1.1", to_one("workers-postgresql", 4), most=1.1),
    Target("start to `/api/health` ≤ 1.0 s", _series("start", "seconds"), most=1.0, unit=" s"),
)
