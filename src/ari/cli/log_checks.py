"""Checks of the usage log for ``ari doctor``."""

from collections.abc import Iterator

from ari.base.clock import DAY_MS, system_clock
from ari.base.errors import AriError, for_operator
from ari.base.settings import Settings
from ari.cli import output
from ari.cli.finding import Finding
from ari.storage import checkup
from ari.storage.engine import Database
from ari.usage.back_pressure import FIRST_SHARE
from ari.usage.fold_loop import HURRY_ROWS

_DAYS_TO_REMOVE = 2
"""How long retention may take before it is worth a note."""


def check_log(database: Database, settings: Settings) -> Iterator[Finding]:
    """Where its rows are, whether old ones are removed, and whether requests are counted."""
    yield from _clickhouse(database)
    yield _usage_log(database, settings)
    yield _backlog(database, settings)


def _usage_log(database: Database, settings: Settings) -> Finding:
    check, days = "usage log", settings.usage_retention_days
    try:
        found = checkup.log_file(database)
    except AriError as error:
        return Finding(check, "wrong", for_operator(error))
    if not found.shrinks:
        return Finding(check, "note", "usage.db can't shrink. Recreate it with ari backup and ari restore.")
    kept = f"kept for {days} days" if days else "kept forever"
    if found.oldest_at_ms is None:
        return Finding(check, "ok", f"no requests yet ({kept})")
    said = f"requests since {output.moment(found.oldest_at_ms)}, {kept}"
    now_ms = system_clock(settings.test_clock_file).now_ms()
    if days and found.oldest_at_ms < now_ms - (days + _DAYS_TO_REMOVE) * DAY_MS:
        return Finding(check, "note", f"{said}. ari serve removes the older ones while it runs.")
    return Finding(check, "ok", said)


def _clickhouse(database: Database) -> Iterator[Finding]:
    """A finding about ClickHouse, if it has the rows of the log."""
    try:
        found = checkup.clickhouse(database)
    except AriError as error:
        yield Finding("clickhouse", "wrong", for_operator(error))
        return
    if found is not None:
        yield Finding("clickhouse", "ok" if found.is_fine else "note", found.words)


def _backlog(database: Database, settings: Settings) -> Finding:
    check, found = "usage backlog", database.usage.backlog()
    if found.oldest_at_ms is None:
        return Finding(check, "ok", "every logged request is counted")
    age = output.relative(found.oldest_at_ms, system_clock(settings.test_clock_file).now_ms())
    said = f"{output.count(found.rows, 'logged request')} to count, the oldest of {age}"
    if found.rows >= settings.usage_backlog_rows * FIRST_SHARE:
        return Finding(check, "note", f"{said}. Requests are slowed until there are fewer.")
    if found.rows > HURRY_ROWS and database.usage.is_lead_free():
        return Finding(check, "note", f"{said}. ari serve counts them while it runs.")
    return Finding(check, "ok", said)
