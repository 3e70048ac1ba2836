"""What a large fleet needs, calculated from the costs of a small one; ``docs/explain/scale.md`` has the result."""

from dataclasses import dataclass

from benchmarks.fleet_costs import Costs
from benchmarks.stats import number

_BUSY = 0.6
"""The share of a core to plan with: above it, queues and latency grow quickly."""
_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Wanted:
    """The fleet to calculate."""

    nodes: int = 20
    keys: int = 100_000_000
    rate: float = 100_000
    rows: int = 10_000_000_000


@dataclass(frozen=True)
class Part:
    """One part of the fleet: the cores it needs, and how many it can use at most (``None``: any number)."""

    name: str
    cores: float
    most_cores: float | None

    def limit(self, rate: float) -> float | None:
        """The requests per second at which this part has no more cores to use."""
        return None if self.most_cores is None or not self.cores else rate * self.most_cores / self.cores


def list_parts(costs: Costs, wanted: Wanted) -> list[Part]:
    """The parts that use processors. One process folds, through one session of the database."""

    def cores(microseconds: float) -> float:
        return microseconds / 1e6 * wanted.rate / _BUSY

    return [
        Part("Workers, on all nodes", cores(costs.worker_us), None),
        Part("PostgreSQL: lookups", cores(costs.lookup_us), None),
        Part("PostgreSQL: commits of staged rows", cores(costs.commit_us), None),
        Part("Fold process", cores(costs.fold_us), 1 / _BUSY),
        Part("PostgreSQL: the fold's session", cores(costs.fold_database_us), 1 / _BUSY),
    ]


def first_to_fail(costs: Costs, wanted: Wanted) -> tuple[Part, float]:
    """The part that limits the fleet first, and the requests per second at which it does."""
    limits = [(part, part.limit(wanted.rate)) for part in list_parts(costs, wanted)]
    return min(((part, limit) for part, limit in limits if limit is not None), key=lambda one: one[1])


def print_needs(costs: Costs, wanted: Wanted) -> None:
    """Print what ``wanted`` needs, as a table."""
    print(f"{wanted.nodes} nodes, {wanted.keys:,} keys, {wanted.rate:,.0f} requests/s, {wanted.rows:,} rows need:\n")
    print("| What | Need |\n|---|---:|")
    for part in list_parts(costs, wanted):
        limit = part.limit(wanted.rate)
        more = "" if limit is None else f"; one core is the limit, at {number(limit)} requests/s"
        print(f"| {part.name} | {number(part.cores)} cores{more} |")
    print(f"| WAL of PostgreSQL | {number(costs.wal_bytes * wanted.rate / 1e6)} MB/s |")
    print(f"| Rows in the log a day at this rate | {number(wanted.rate * _DAY_SECONDS / 1e9)} billion |")
    print(f"| Ten billion rows last | {number(wanted.rows / wanted.rate / _DAY_SECONDS)} days |")
    print(f"| Disk of the rows, in PostgreSQL | {number(costs.row_bytes * wanted.rows / 1e12)} TB |")
    print(f"| Disk of the keys | {number(costs.key_bytes * wanted.keys / 1e9)} GB |")
    print(f"| Connections to PostgreSQL, as measured | {number(costs.connections / costs.nodes * wanted.nodes)} |")
    part, limit = first_to_fail(costs, wanted)
    print(f"\nFirst to fail: {part.name.lower()}, at {number(limit)} requests/s.")
