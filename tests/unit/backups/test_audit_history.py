"""A restored instance, such as a trial with the settings of production, leaves production's copies of its log alone."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag

import pytest
from structlog.testing import capture_logs

from ari.backups import audit_history
from ari.backups.backup_lineage import read_lineage
from ari.base.audit_copies import verify
from ari.base.audit_feed import read_page
from ari.base.audit_verification import AuditCopy
from ari.base.errors import AriError, Conflict
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.audit_delivery import AuditDelivery
from ari.jobs.audit_file import AuditFile
from ari.jobs.audit_syslog import AuditSyslog
from ari.outbound.syslog import SyslogConnection
from tests.support.audit_log import create
from tests.support.backups import MASTER_KEY, back_up, restore
from tests.support.instances import opened
from tests.support.processes import eventually
from tests.support.syslog_collector import collecting


@dataclass
class Pair:
    """Production, and a trial restore of it; ``path`` is the copy that both have in their settings."""

    production: Instance
    trial: Instance
    path: Path


def deliver(instance: Instance, path: Path) -> list[str]:
    """Deliver once, in a process that ends then; the reasons why it couldn't."""
    delivery = AuditDelivery(Deps(instance), AuditFile(Deps(instance), path), Flag())
    with capture_logs() as logged:
        delivery.run_once()
    delivery.sink.close()
    return [line["reason"] for line in logged if "reason" in line]


def newest(instance: Instance) -> str:
    return Deps(instance).read_sync(lambda tx: tx.events.page(None, None, 1))[0].id


@pytest.fixture
def pair(data_dir: Path, tmp_path: Path) -> Iterator[Pair]:
    path = tmp_path / "audit.jsonl"
    with opened(data_dir, None, master_key=MASTER_KEY, audit_file=path) as production:
        create(production, "first")
        assert deliver(production, path) == []
        restore(tmp_path / "trial", None, back_up(production)[0])
        with opened(tmp_path / "trial", None, master_key=MASTER_KEY, audit_file=path) as trial:
            yield Pair(production, trial, path)


@pytest.mark.parametrize("state", ["whole", "rotated", "empty", "other"])
def test_a_trial_neither_continues_nor_creates_the_originals_file(state: str, pair: Pair) -> None:
    """Whether production is down, its file was rotated, or it has an event that the trial lacks; production goes on."""
    if state == "rotated":
        pair.path.rename(pair.path.with_suffix(".1"))
    elif state == "empty":
        pair.path.write_bytes(b"")
    elif state == "other":
        create(pair.production, "after the backup")
        assert deliver(pair.production, pair.path) == []
    before = pair.path.read_bytes() if pair.path.exists() else None
    [reason] = deliver(pair.trial, pair.path)
    assert "ari audit take-over" in reason
    assert (pair.path.read_bytes() if pair.path.exists() else None) == before
    create(pair.production, "second")
    assert deliver(pair.production, pair.path) == []
    with pair.path.open("rb") as file:
        verify(AuditCopy(), [("a copy", file)])


def test_a_link_to_the_originals_folder_is_the_same_place(pair: Pair) -> None:
    """Settings can name one file in several ways."""
    pair.path.unlink()
    link = pair.path.parent / "link"
    link.symlink_to(pair.path.parent)
    assert "take-over" in deliver(pair.trial, link / pair.path.name)[0]
    assert not pair.path.exists()


def test_a_copy_of_the_originals_file_at_another_path_is_no_start(pair: Pair) -> None:
    """A bind mount names the same file, too. A file that the trial begins is its own, and stays it."""
    other = pair.path.with_name("other.jsonl")
    shutil.copy(pair.path, other)
    assert "take-over" in deliver(pair.trial, other)[0]
    other.unlink()
    for name in ("one", "two"):
        create(pair.trial, name)
        assert deliver(pair.trial, other) == []
    other.rename(other.with_suffix(".1"))
    create(pair.trial, "three")
    assert deliver(pair.trial, other) == []


def test_a_place_that_was_taken_over_is_continued(pair: Pair) -> None:
    """After a real restore; a restore of its own backups must take it over again."""
    Deps(pair.trial).do_sync(audit_history.take_over, [audit_history.name_file(pair.path)])
    assert deliver(pair.trial, pair.path) == []
    with pair.path.open("rb") as file:
        copy = AuditCopy()
        verify(copy, [("a copy", file)])
    assert (copy.repeats, copy.last and copy.last.event.id) == (0, newest(pair.trial))
    assert Deps(pair.trial).read_sync(lambda tx: tx.events.page(None, None, 1))[0].name == "audit_copies_taken_over"
    again = pair.path.parent / "again"
    restore(again, None, back_up(pair.trial)[0])
    with opened(again, None, master_key=MASTER_KEY, audit_file=pair.path) as third:
        assert "take-over" in deliver(third, pair.path)[0]


def test_a_trial_sends_nothing_to_the_originals_collector(data_dir: Path, tmp_path: Path) -> None:
    """It goes on after the last event that the original sent, once it was taken over."""
    with collecting() as collector, opened(data_dir, None, master_key=MASTER_KEY) as production:
        url = f"tcp://127.0.0.1:{collector.port}"
        create(production, "first")

        def send(instance: Instance) -> list[str]:
            sent = len(collector.messages)
            sink = AuditSyslog(Deps(instance), url, lambda: SyslogConnection(url, None, None))
            with capture_logs() as logged:
                AuditDelivery(Deps(instance), sink, Flag()).run_once()
            reasons = [line["reason"] for line in logged if "reason" in line]
            if not reasons:
                eventually(lambda: len(collector.messages) > sent)
            with suppress(AriError):
                sink.close()
            return reasons

        assert send(production) == []
        restore(tmp_path / "trial", None, back_up(production)[0])
        sent = len(collector.messages)
        with opened(tmp_path / "trial", None, master_key=MASTER_KEY) as trial:
            assert "ari audit take-over" in send(trial)[0]
            assert len(collector.messages) == sent
            Deps(trial).do_sync(audit_history.take_over, [audit_history.name_collector(url)])
            assert send(trial) == []


def test_a_cursor_of_the_original_is_refused(pair: Pair) -> None:
    """Unless its collector names the restore; from there on, the log is the instance's own."""
    deps = Deps(pair.trial)
    [first, *_, last] = [one.event.id for one in deps.read_sync(read_page, None, 100).events]
    lineage = deps.read_sync(read_lineage)
    with pytest.raises(Conflict, match=lineage) as refused:
        deps.read_sync(audit_history.require_own_cursor, first, None)
    assert refused.value.code == "cursor_gone"
    for after, history in ((first, lineage), (first, "any"), (last, None), (None, None)):
        deps.read_sync(audit_history.require_own_cursor, after, history)
    with pytest.raises(Conflict, match="never began with a restore"):
        Deps(pair.production).read_sync(audit_history.require_own_cursor, last, lineage)
    Deps(pair.production).read_sync(audit_history.require_own_cursor, first, None)
