"""The figures that processes count: names, labels with all their values, and buckets. Docs and tests read this list."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

from ari.keys.reasons import ACCEPTED, REASONS

OTHER = "other"
"""The result of a request with a key that was refused for another reason than its key, such as a malformed body."""
SOURCES = ("request", "verify", "proxy", "guard")
RESULTS = (ACCEPTED, *REASONS, OTHER)
DOORS = ("verify", "forward_auth", "ai", "api", "page")
EMAIL_RESULTS = ("sent", "retried", "failed")
WEBHOOK_RESULTS = ("delivered", "retried", "failed")
JOBS = (
    "record clock steps", "stamp expired keys", "append counted events", "forget expired accounts",
    "forget expired responses", "forget old emails", "forget old deliveries", "disable unused keys",
    "run hourly jobs", "remove old usage", "watch usage", "care for the audit log", "send emails", "queue webhooks",
    "write backups",
)  # fmt: skip
"""Background jobs; a figure is set by the process that runs them."""
PROCESSES = ("worker", "fold", "backup")
_FAST = (0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5)
_COMMON = (0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_SLOW = (10.0, 60.0)


@dataclass(frozen=True, slots=True)
class Family:
    """A metric and its series: one for each combination of its labels' values. ``bounds`` are seconds."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """The cells of one series. A histogram has one for each bucket, one for what exceeds them, and its sum."""
        return len(self.bounds) + 2 if self.kind == "histogram" else 1

    def list_series(self) -> Iterator[tuple[str, ...]]:
        """The label values of every series."""
        return product(*(values for _, values in self.labels))


VERIFICATIONS = Family(
    "ari_verifications",
    "counter",
    "Keys that were verified, and requests without a key, by result. Counted once they are in the usage log.",
    (("source", SOURCES), ("result", RESULTS)),
)
REQUESTS = Family(
    "ari_request_duration_seconds",
    "histogram",
    "Time from a request's head to the end of its response, with the commit of its row in the usage log.",
    (("door", DOORS),),
    (*_FAST[3:], *_COMMON, *_SLOW),
)
IN_FLIGHT = Family("ari_requests_in_flight", "gauge", "Requests whose response isn't finished.")
LOOKUPS = Family(
    "ari_lookup_duration_seconds",
    "histogram",
    "Time of one lookup of a key in the database, or of the question whether it changed.",
    bounds=(*_FAST, *_COMMON),
)
COMMITS = Family(
    "ari_commit_duration_seconds",
    "histogram",
    "Time of one commit to the usage log, for all requests that wait for it.",
    bounds=(*_FAST[3:], *_COMMON),
)
COMMIT_ERRORS = Family(
    "ari_commit_errors", "counter", "Commits to the usage log that failed. Their requests got a 503."
)
DATABASE_ERRORS = Family(
    "ari_database_errors", "counter", "Errors of the database: it is gone, busy, full or damaged, or took too long."
)
CONNECTIONS = Family(
    "ari_database_connections_opened", "counter", "Connections to the database that were opened or replaced."
)
FOLDED = Family("ari_folded_rows", "counter", "Rows of the usage log that were folded into its totals.")
FOLD_FAILURES = Family(
    "ari_fold_failures",
    "gauge",
    "Attempts in a row to fold rows of the usage log that failed, also because the process ended. 0 while it works.",
)
REDUCED = Family("ari_log_rows_reduced", "counter", "Rows stored without values that ClickHouse refused.")
EMAILS = Family("ari_emails", "counter", "Attempts to send an email, by result.", (("result", EMAIL_RESULTS),))
WEBHOOKS = Family(
    "ari_webhooks", "counter", "Attempts to deliver an event to a webhook, by result.", (("result", WEBHOOK_RESULTS),)
)
JOB_FAILURES = Family(
    "ari_job_failures",
    "gauge",
    "Attempts in a row of a background job that failed, of all processes. 0 while it works.",
    (("job_name", JOBS),),
)
RESTARTS = Family(
    "ari_process_restarts",
    "counter",
    "Processes that ended unexpectedly and were replaced.",
    (("process", PROCESSES),),
)
FAMILIES = (
    VERIFICATIONS,
    REQUESTS,
    IN_FLIGHT,
    LOOKUPS,
    COMMITS,
    COMMIT_ERRORS,
    DATABASE_ERRORS,
    CONNECTIONS,
    FOLDED,
    FOLD_FAILURES,
    REDUCED,
    EMAILS,
    WEBHOOKS,
    JOB_FAILURES,
    RESTARTS,
)


class Layout:
    """The place of each series among the cells of a process. ``size`` is the number of cells."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, ...], int] = {}
        self.size = 0
        for family in FAMILIES:
            for values in family.list_series():
                self._places[family.name, *values] = self.size
                self.size += family.width

    def find(self, family: Family, *values: str) -> int:
        """The first cell of the series with these label values."""
        return self._places[family.name, *values]
