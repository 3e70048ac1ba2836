"""The hourly care of the audit log: its retention, and its head in the log."""

from pathlib import Path

from structlog.testing import capture_logs

from ari.base.clock import DAY_MS
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs import audit
from ari.jobs.job_failures import JobFailures
from ari.storage.checkup import check_audit_log
from tests.support.audit_log import create
from tests.support.commands import clock_of
from tests.support.instances import opened


def _hour(instance: Instance) -> list[dict[str, object]]:
    """The log entries of one round."""
    with capture_logs() as logged, JobFailures(instance.metrics).attempt("care for the audit log"):
        audit.round_of_audit(instance, None)
    return [dict(line) for line in logged]


def test_the_head_is_in_the_log_and_old_events_go(data_dir: Path) -> None:
    """By the setting; the log is a witness that leaves this machine."""
    with opened(data_dir, None, event_retention_days=30) as instance:
        create(instance, "old")
        clock_of(instance).step(40 * DAY_MS / 1000)
        create(instance, "new")
        removed, head = _hour(instance)
        assert (removed["events"], removed["days"]) == (1, 30)
        newest = Deps(instance).read_sync(lambda unit: unit.events.newest())
        assert (head["event_id"], head["hash"]) == newest
        assert check_audit_log(instance.database).is_whole
        assert audit.log_head(instance, str(head["event_id"])) == head["event_id"]


def test_without_the_setting_everything_stays(data_dir: Path) -> None:
    """The default keeps the audit log for ever; a missing master key is named in the log."""
    with opened(data_dir, None) as instance:
        create(instance, "old")
        clock_of(instance).step(4_000 * DAY_MS / 1000)
        create(instance, "new")
        instance.master_keys.own_file.unlink()
        warning, head = _hour(instance)
        assert "its master key is missing" in str(warning["event"])
        assert head["log_level"] == "info"
        assert len(Deps(instance).read_sync(lambda unit: unit.events.page(None, None, 9))) == 2


def test_a_trail_that_does_not_fit_is_a_warning(data_dir: Path) -> None:
    """Nothing is removed, and the other jobs go on."""
    with opened(data_dir, None, event_retention_days=30) as instance:
        create(instance, "old")
        create(instance, "old too")
        clock_of(instance).step(40 * DAY_MS / 1000)
        with instance.database.main.begin() as connection:
            connection.exec_driver_sql("DROP TRIGGER events_no_update")
            connection.exec_driver_sql("UPDATE events SET actor = 'x' WHERE seq = 1")
        [warning] = _hour(instance)
        assert warning["log_level"] == "warning"
        assert "doesn't match its signature" in str(warning["reason"])
        assert len(Deps(instance).read_sync(lambda unit: unit.events.page(None, None, 9))) == 2
