"""``ari database``: whether the database still has everything this node has seen, how to go on if not, and where the
usage log is."""
# Imports inside functions here: start-up speed.

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ari.base.caller import command_line_caller
from ari.base.errors import ConfigurationError
from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.instances import read_settings, require_instance
from ari.cli.options import AsJson, DataDir, Yes

if TYPE_CHECKING:
    from ari.base.settings import Settings
    from ari.storage.accept_database import Standing
    from ari.storage.engine import Database
    from ari.storage.failover.record import SeenEvent

app = CommandApp(no_args_is_help=True)


@app.command()
def status(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Compare the database with what this node has seen. Exits with 1 if anything was lost."""
    from ari.storage.accept_database import look

    with _open_untrusted(data_dir) as (_, database):
        standing = look(database)
    if as_json:
        output.as_json(_facts(standing))
    else:
        _show(standing)
    if not standing.is_trusted:
        raise typer.Exit(1)


@app.command()
def accept(yes: Yes = False, data_dir: DataDir = None) -> None:
    """Accept a database that lost changes, for every node. First check which keys to revoke again."""
    from ari.base.clock import system_clock
    from ari.storage.accept_database import accept as accept_database
    from ari.storage.accept_database import look

    with _open_untrusted(data_dir) as (settings, database):
        standing = look(database)
        if not standing.histories:
            raise ConfigurationError("The database has no tables for this version. Check ARI_DATABASE_URL.")
        if standing.is_trusted:
            output.say("Nothing to accept. The database has everything this node has seen.")
            return
        _show(standing)
        output.confirm("Continue without these changes? Keys that were revoked in them are active again.", yes=yes)
        accept_database(database, standing, command_line_caller(), system_clock(settings.test_clock_file).now_ms())
    output.say("Accepted. Every node uses the database as it is within a few seconds.")


@app.command()
def return_log(data_dir: DataDir = None) -> None:
    """Copy the usage log from ClickHouse back to PostgreSQL, so that ARI_USAGE_LOG_URL can be unset. Stop ARI first."""
    with _open(data_dir) as database:
        if database.clickhouse is None:
            raise ConfigurationError("Set ARI_USAGE_LOG_URL to the ClickHouse database that has the usage log.")
        if not database.usage.acquire_lead():
            raise ConfigurationError("ARI is running. Stop it on every node, then try again.")
        database.usage.fold_all()
        while database.usage.move_rows():
            pass
        copied = sum(database.clickhouse.returner.steps())
    output.say(f"Copied {output.count(copied, 'row')} to PostgreSQL. Unset ARI_USAGE_LOG_URL before you start ARI.")
    output.say("ClickHouse still has its rows. Drop its table ari_usage_log when you no longer need them.")


@app.command()
def take_log(data_dir: DataDir = None) -> None:
    """Take over the table in ClickHouse with its rows. No other instance can then use it."""
    with _open(data_dir) as database:
        if database.clickhouse is None:
            raise ConfigurationError("Set ARI_USAGE_LOG_URL to the ClickHouse database that has the usage log.")
        if not database.usage.acquire_lead():
            raise ConfigurationError("ARI is running. Stop it on every node, then try again.")
        database.clickhouse.owner.take_over()
    output.say("The table ari_usage_log is this instance's now.")


@contextmanager
def _open(data_dir: Path | None) -> "Iterator[Database]":
    settings = read_settings(data_dir)
    require_instance(settings)
    from ari.instance import SLOW_SECONDS
    from ari.storage import migrate
    from ari.storage.engine import Database

    database = Database.open(settings)
    try:
        migrate.check(database)
        database.watch(SLOW_SECONDS)
        yield database
    finally:
        database.close()


@contextmanager
def _open_untrusted(data_dir: Path | None) -> "Iterator[tuple[Settings, Database]]":
    settings = read_settings(data_dir)
    require_instance(settings)
    from ari.instance import SLOW_SECONDS
    from ari.storage.engine import Database

    database = Database.open(settings, trusting=True)
    database.watch(SLOW_SECONDS)
    try:
        yield settings, database
    finally:
        database.close()


def _facts(standing: "Standing") -> dict[str, Any]:
    from ari.base.clock import to_rfc3339

    def describe(one: Any) -> dict[str, Any]:
        return {"id": one.id, "time": to_rfc3339(one.at_ms), "name": one.name, "subject": one.subject}

    record = standing.record
    return {
        "trusted": standing.is_trusted,
        "timeline": standing.timeline,
        "newest_event": None if standing.head is None else describe(standing.head),
        "newest_seen": None if record is None else describe(record.head),
        "seen_timeline": None if record is None else record.timeline,
        "lost": [describe(one) for one in standing.lost],
        "standbys": None if standing.replication is None else standing.replication.words,
    }


def _show(standing: "Standing") -> None:
    record, nothing = standing.record, "nothing yet"
    shown = [
        ("newest event", nothing if standing.head is None else _describe(standing.head)),
        ("seen by this node", nothing if record is None else _describe(record.head)),
    ]
    if standing.timeline is not None:
        shown.append(("timeline", str(standing.timeline)))
    if record is not None and record.timeline is not None:
        shown.append(("timeline seen", str(record.timeline)))
    if standing.replication is not None:
        shown.append(("standbys", standing.replication.words))
    output.facts(shown)
    if standing.is_trusted:
        output.say("The database has everything this node has seen.")
        return
    for one in standing.lost:
        output.say(f"Lost: {_describe(one)}")
    if standing.record is not None and standing.record.history not in standing.histories:
        output.say("This isn't the database this node has used so far.")
    output.say("This node doesn't trust it. To use the database as it is, run: ari database accept")


def _describe(event: "SeenEvent") -> str:
    subject = f" {event.subject}" if event.subject else ""
    return f"{event.name}{subject} at {output.moment(event.at_ms)} ({event.id})"
