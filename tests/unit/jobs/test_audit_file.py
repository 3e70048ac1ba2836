"""The audit log in a file: every event once, through kills, rotations, a full disk and a second process."""

import gzip
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest
from structlog.testing import capture_logs

from ari.base import audit_mark
from ari.base.audit_copies import verify
from ari.base.audit_lag import find_waiting
from ari.base.audit_verification import AuditCopy
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.audit_delivery import EVENTS_AT_ONCE, AuditDelivery
from ari.jobs.audit_file import AuditFile
from ari.outbound.line_file import AuditFileFailed, LineFile
from tests.support.audit_copies import make_chain, to_lines
from tests.support.audit_log import create
from tests.support.instances import opened


@dataclass
class Copying:
    """An instance, and the file that it copies its audit log to."""

    instance: Instance
    path: Path

    def start(self) -> AuditDelivery:
        """A process that delivers, as far as the file is concerned."""
        sink = AuditFile(Deps(self.instance), self.path)
        return AuditDelivery(Deps(self.instance), sink, Flag())

    def read(self, *paths: Path) -> AuditCopy:
        """Verify these files, the newest last."""
        copy = AuditCopy()
        with_names = [(one.name, one.open("rb")) for one in (*paths, self.path)]
        try:
            verify(copy, with_names)
        finally:
            for _, file in with_names:
                file.close()
        return copy

    def count(self) -> int:
        """How many events the log has."""
        return len(Deps(self.instance).read_sync(lambda tx: tx.events.page(None, None, 10_000)))


@pytest.fixture
def copying(data_dir: Path) -> Iterator[Copying]:
    path = data_dir.parent / "audit.jsonl"
    with opened(data_dir, None, audit_file=path) as instance:
        yield Copying(instance, path)


def kill(delivery: AuditDelivery) -> None:
    """End a process as a kill does: its descriptors are closed."""
    delivery.sink.close()


def test_a_file_of_ari_is_never_locked(copying: Copying) -> None:
    """Even if it got the name since the start: every change would wait for the copy's lock."""
    copying.path.hardlink_to(copying.instance.settings.data_dir / "staging.lock")
    with pytest.raises(AuditFileFailed, match="is a file of ARI's own"):
        AuditFile(Deps(copying.instance), copying.path).begin()


def test_each_event_is_in_the_file_once(copying: Copying) -> None:
    """With the signed head after the newest one, so the file is proven at any moment; nothing is written otherwise."""
    delivery = copying.start()
    for number in (1, 2):
        create(copying.instance, f"number {number}")
        for _ in range(3):
            delivery.run_once()
        copy = copying.read()
        assert (copy.count, copy.repeats, copy.heads) == (copying.count(), 0, number)
        assert copy.is_signed_whole
    assert find_waiting_for(copying) is None


def test_a_rotated_file_is_proven_with_those_before_it(copying: Copying) -> None:
    """From its first event on: the head is in the file that its event is in."""
    create(copying.instance, "first")
    delivery = copying.start()
    delivery.run_once()
    old = copying.path.with_suffix(".1")
    copying.path.rename(old)
    create(copying.instance, "second")
    delivery.run_once()
    assert copying.read(old).is_signed_whole
    assert (copying.read().heads, copying.read().after_head, copying.read().earlier) == (1, 0, copying.count() - 1)


def find_waiting_for(copying: Copying) -> int | None:
    found = Deps(copying.instance).read_sync(find_waiting, copying.instance.settings)
    return found["file"]


def test_a_kill_at_any_point_leaves_neither_gap_nor_repeat(copying: Copying) -> None:
    """Before the batch, within any of its bytes, between file and mark, and after it."""
    for name in ("first", "second"):
        create(copying.instance, name)
    data_dir = copying.instance.settings.data_dir
    delivery = copying.start()
    delivery.run_once()
    kill(delivery)
    before, mark = copying.path.read_bytes(), (data_dir / audit_mark.MARK_FILE).read_bytes()
    create(copying.instance, "third")
    delivery = copying.start()
    delivery.run_once()
    kill(delivery)
    after = copying.path.read_bytes()
    for end in (len(before), len(before) + 1, len(before) + 40, len(after) - 1, len(after)):
        copying.path.write_bytes(after[:end])
        (data_dir / audit_mark.MARK_FILE).write_bytes(mark)
        delivery = copying.start()
        delivery.run_once()
        kill(delivery)
        copy = copying.read()
        assert (copy.count, copy.repeats) == (copying.count(), 0)


def test_rotation_by_renaming_loses_nothing(copying: Copying) -> None:
    """While it runs, with and without a new file, and while it doesn't; a compressed file can be verified, too."""
    delivery = copying.start()
    rotated: list[Path] = []
    for number in range(4):
        create(copying.instance, f"key {number}")
        delivery.run_once()
        rotated.append(copying.path.rename(copying.path.with_name(f"audit.{number}")))
        if number == 1:
            copying.path.touch(0o600)
        if number == 2:
            kill(delivery)
            delivery = copying.start()
    create(copying.instance, "last")
    delivery.run_once()
    copy = copying.read(*rotated)
    assert (copy.count, copy.repeats) == (copying.count(), 0)


def test_rotation_by_copying_repeats_the_last_batch(copying: Copying) -> None:
    """Between the copy and the cut lines may be lost; repeats of the latest batch make up for it."""
    delivery = copying.start()
    create(copying.instance, "first")
    delivery.run_once()
    rotated = copying.path.with_name("audit.0")
    shutil.copy(copying.path, rotated)
    create(copying.instance, "between")
    delivery.run_once()
    os.truncate(copying.path, 0)
    create(copying.instance, "last")
    delivery.run_once()
    copy = copying.read(rotated)
    assert (copy.count, copy.repeats) == (copying.count(), 0)


@pytest.mark.parametrize("when", ["before", "after"])
def test_rotation_while_a_backlog_is_written_loses_nothing(
    when: str, copying: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rotated file is compressed at once: what is written to it later, nobody reads."""
    monkeypatch.setattr("ari.jobs.audit_delivery.EVENTS_AT_ONCE", 2)
    for number in range(10):
        create(copying.instance, f"key {number}")
    rotated = copying.path.with_name("audit.0.gz")
    append, calls = LineFile.append, 0

    def rotate() -> None:
        rotated.write_bytes(gzip.compress(copying.path.read_bytes()))
        copying.path.unlink()

    def append_and_rotate(file: LineFile, lines: Sequence[bytes], last_id: str | None) -> None:
        nonlocal calls
        calls += 1
        if (calls, when) == (2, "before"):
            rotate()
        append(file, lines, last_id)
        if (calls, when) == (2, "after"):
            rotate()

    monkeypatch.setattr(LineFile, "append", append_and_rotate)
    copying.start().run_once()
    copy = copying.read(rotated)
    assert (copy.count, copy.after_head) == (copying.count(), 0)
    assert find_waiting_for(copying) is None


def test_a_head_that_a_rotation_took_comes_again(copying: Copying, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is noted as written once it is in a file that is kept."""
    create(copying.instance, "first")
    append = LineFile.append

    def append_too_late(file: LineFile, lines: Sequence[bytes], last_id: str | None) -> None:
        monkeypatch.undo()
        copying.path.unlink()
        append(file, lines, last_id)

    monkeypatch.setattr(LineFile, "append", append_too_late)
    copying.start().run_once()
    assert (copying.read().count, copying.read().heads) == (1, 1)


def test_one_of_two_processes_writes(copying: Copying) -> None:
    """The other takes over when it ends."""
    create(copying.instance, "first")
    one, two = copying.start(), copying.start()
    one.run_once()
    create(copying.instance, "second")
    assert two.run_once() == 1.0
    assert copying.read().count == 1
    kill(one)
    two.run_once()
    assert copying.read().count == copying.count() == 2


@pytest.mark.parametrize("fault", ["folder", "foreign", "mark"])
def test_what_fails_is_logged_once_and_made_up_for(
    fault: str, copying: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing folder, another program's file, a data directory that is full: the pauses grow, nothing is lost."""
    create(copying.instance, "first")
    if fault == "folder":
        copying.path = copying.path.parent / "none" / "audit.jsonl"
    elif fault == "foreign":
        copying.path.write_text("notes\n")
    else:
        monkeypatch.setattr(audit_mark.FileMark, "write", _fail)
    delivery = copying.start()
    with capture_logs() as logged:
        pauses = [delivery.run_once() for _ in range(8)]
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]
    assert [(line["log_level"], line["to"]) for line in logged] == [("error", "file")]
    if fault == "folder":
        copying.path.parent.mkdir()
    elif fault == "foreign":
        assert copying.path.read_text() == "notes\n"
        copying.path.unlink()
    monkeypatch.undo()
    with capture_logs() as logged:
        assert delivery.run_once() == 1.0
    assert [line["event"] for line in logged] == ["the audit log is delivered again"]
    copy = copying.read()
    assert (copy.count, copy.repeats) == (copying.count(), 0)


def _fail(*_: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_log_that_lacks_the_last_event_is_copied_again(copying: Copying) -> None:
    """After a restore of an older copy: all of it, which shows where it went back, and a warning."""
    create(copying.instance, "first")
    delivery = copying.start()
    delivery.run_once()
    kill(delivery)
    data_dir = copying.instance.settings.data_dir
    mark = json.loads((data_dir / audit_mark.MARK_FILE).read_bytes())
    copying.path.unlink()
    (data_dir / audit_mark.MARK_FILE).write_text(json.dumps(mark | {"last_id": "evt_gone"}))
    delivery = copying.start()
    with capture_logs() as logged:
        delivery.run_once()
    assert "starting over" in logged[0]["event"]
    assert copying.read().count == copying.count()


def test_a_file_of_another_history_is_never_continued(copying: Copying) -> None:
    """A restore has another history. Its log waits, and is in a new file once the old one was moved away."""
    others = b"".join(to_lines(make_chain(3)))
    copying.path.write_bytes(others)
    create(copying.instance, "first")
    delivery = copying.start()
    with capture_logs() as logged:
        for _ in range(3):
            delivery.run_once()
    [line] = logged
    assert f"{copying.path} ends with an event that this audit log doesn't have" in line["reason"]
    assert copying.path.read_bytes() == others
    LineFile(copying.path).close()  # its writer isn't kept out
    moved = copying.path.rename(copying.path.with_name("audit.old"))
    delivery.run_once()
    assert moved.read_bytes() == others
    copy = copying.read()
    assert (copy.count, copy.repeats) == (copying.count(), 0)
    assert find_waiting_for(copying) is None


def test_another_path_is_another_copy(copying: Copying) -> None:
    """It begins with the oldest event."""
    create(copying.instance, "first")
    delivery = copying.start()
    delivery.run_once()
    kill(delivery)
    copying.path = copying.path.with_name("other.jsonl")
    copying.start().run_once()
    assert copying.read().count == copying.count()


def test_many_events_are_delivered_in_one_round(copying: Copying, monkeypatch: pytest.MonkeyPatch) -> None:
    """In batches of a bounded size."""
    monkeypatch.setattr("ari.jobs.audit_delivery.EVENTS_AT_ONCE", 3)
    for number in range(10):
        create(copying.instance, f"key {number}")
    copying.start().run_once()
    assert copying.read().count == 10 < EVENTS_AT_ONCE
