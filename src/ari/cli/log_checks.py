"""Checks of the usage log for ``ari doctor``."""

from collections.abc import Iterator

from ari.base import server_url
from ari.base.clock import DAY_MS, MINUTE_MS, system_clock
from ari.base.settings import Settings
from ari.cli import output
from ari.cli.check_run import Check
from ari.cli.finding import Finding
from ari.storage import checkup
from ari.storage.engine import Database
from ari.usage.back_pressure import FIRST_SHARE
from ari.usage.fold_loop import HURRY_ROWS

_LATE_MS = 10 * MINUTE_MS
"""From when on a server that runs counts too late: as the alert AriReportsLate."""
_FAILS = (
    "The server runs but can't count them, or not as fast as they come. Its log says why: look for “can't be folded”, "
    "or for restarts of the fold process."
)
_SET_ASIDE = (
    "Reports and totals lack them. ari serve tries them again when it starts: upgrade ARI, or correct them, then "
    "restart it (AriRowsSetAside in docs/guides/when-an-alert-fires.md)."
)
_DAYS_TO_REMOVE = 2
"""How long retention may take before it is worth a note."""


def list_log_checks(database: Database, settings: Settings) -> Iterator[Check]:
    """Where its rows are, whether old ones are removed, and whether requests are counted."""
    yield "clickhouse", lambda: _clickhouse(database)
    yield "usage log", lambda: [_usage_log(database, settings)]
    yield "usage backlog", lambda: [_backlog(database, settings)]
    yield "set aside", lambda: _set_aside(database)


def _usage_log(database: Database, settings: Settings) -> Finding:
    check, days = "usage log", settings.usage_retention_days
    found = checkup.log_file(database)
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
    found = checkup.clickhouse(database)
    if found is not None:
        yield Finding("clickhouse", found.state, found.words)


def _is_served(database: Database, settings: Settings) -> bool:
    return server_url.read(settings.data_dir) is not None or not database.usage.is_lead_free()


def _set_aside(database: Database) -> Iterator[Finding]:
    """A finding about logged requests that no fold takes, if there are any."""
    if count := database.usage.backlog().set_aside:
        said = f"{output.count(count, 'logged request')} can't be counted. {_SET_ASIDE}"
        yield Finding("set aside", "wrong", said)


def _backlog(database: Database, settings: Settings) -> Finding:
    check, found = "usage backlog", database.usage.backlog()
    if found.oldest_at_ms is None:
        return Finding(check, "ok", "every logged request is counted")
    now_ms = system_clock(settings.test_clock_file).now_ms()
    age = output.relative(found.oldest_at_ms, now_ms)
    said = f"{output.count(found.rows, 'logged request')} to count, the oldest of {age}"
    if found.rows >= settings.usage_backlog_rows * FIRST_SHARE:
        return Finding(check, "note", f"{said}. Requests are slowed until there are fewer.")
    if now_ms - found.oldest_at_ms > _LATE_MS and _is_served(database, settings):
        return Finding(check, "wrong", f"{said}. {_FAILS}")
    if found.rows > HURRY_ROWS and database.usage.is_lead_free():
        return Finding(check, "note", f"{said}. ari serve counts them while it runs.")
    return Finding(check, "ok", said)
