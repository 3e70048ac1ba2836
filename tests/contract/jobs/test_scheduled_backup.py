"""A scheduled backup on both databases: whole, verified and found, or a failure that everyone sees."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ari.backups.backup_lineage import read_lineage
from ari.backups.backup_name import BackupName, name_writer
from ari.backups.state import claim
from ari.base.clock import DAY_MS
from ari.base.errors import AriError, ConfigurationError, Invalid, Unavailable
from ari.deps import Deps
from ari.instance import Instance, open_backup_target
from ari.jobs.scheduled_backup import is_due, record_failure
from ari.storage.backup.restore import Terms, restore_backup
from ari.storage.backup.work_folder import LOCK
from tests.support.backups import MASTER_KEY, create_key, fill, ignore_progress
from tests.support.instances import START_MS, opened, settings_for
from tests.support.scheduled import FailingTarget, advance, copy_as, names_in, run, state_of

DAY = DAY_MS / 1000


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


@pytest.fixture
def instance(data_dir: Path, database_url: str | None, target: Path) -> Iterator[Instance]:
    given = {"master_key": MASTER_KEY, "backup_to": str(target), "backup_verify": "read"}  # cheaper
    with opened(data_dir, database_url, **given) as instance:
        fill(instance)
        yield instance


def _events(instance: Instance) -> list[Any]:
    return Deps(instance).read_sync(lambda tx: tx.events.page(None, None, 50))


def test_a_backup_is_written_verified_and_recorded(instance: Instance, target: Path, tmp_path: Path) -> None:
    """Its name says when and of which instance; it restores, and nothing temporary is left anywhere."""
    instance.settings = instance.settings.model_copy(update={"backup_verify": "restore"})
    assert is_due(Deps(instance))
    written = run(instance)
    assert written is not None
    assert names_in(target) == [written.name]
    assert BackupName.parse(written.name) is not None
    assert (target / written.name).stat().st_mode & 0o777 == 0o600
    assert names_in(instance.settings.data_dir / "backup.work") == []
    state = state_of(instance)
    assert (state.began_ms, state.verified_ms, state.failures, state.holder) == (START_MS, START_MS, 0, "")
    assert state.size_bytes == (target / written.name).stat().st_size
    event = _events(instance)[0]
    assert (event.name, event.detail["file"], event.detail["keys"]) == ("backup_written", written.name, 6)
    new = tmp_path / "new"
    new.mkdir(mode=0o700)
    body = io.BytesIO((target / written.name).read_bytes())
    settings = settings_for(new, None, master_key=MASTER_KEY)
    restored = restore_backup(settings, body, Terms(), Deps(instance).caller, START_MS, ignore_progress)
    assert (restored.is_trusted, restored.rows["api_keys"], restored.rows["usage_log"]) == (True, 6, 30)
    assert not is_due(Deps(instance))
    assert run(instance) is None


def test_the_state_is_not_in_the_backup(instance: Instance, target: Path, tmp_path: Path) -> None:
    """A restored instance writes its own first backup at once, and has no failures of another."""
    written = run(instance)
    assert written is not None
    new = tmp_path / "new"
    new.mkdir(mode=0o700)
    settings = settings_for(new, None, master_key=MASTER_KEY, backup_to=str(target))
    with (target / written.name).open("rb") as body:
        restore_backup(settings, body, Terms(), Deps(instance).caller, START_MS, ignore_progress)
    with opened(new, None, master_key=MASTER_KEY, backup_to=str(target)) as restored:
        assert state_of(restored).began_ms == 0
        assert is_due(Deps(restored))


def test_a_trial_restore_and_the_original_keep_their_backups_apart(
    instance: Instance, target: Path, tmp_path: Path
) -> None:
    """Both have the same id and the same place: neither removes the other's backups, whole or half."""
    instance.settings = instance.settings.model_copy(update={"backup_keep": "1 last"})
    first = run(instance)
    assert first is not None
    new = tmp_path / "new"
    new.mkdir(mode=0o700)
    given = {"master_key": MASTER_KEY, "backup_to": str(target), "backup_verify": "read", "backup_keep": "1 last"}
    with (target / first.name).open("rb") as body:
        terms, caller = Terms(), Deps(instance).caller
        restore_backup(settings_for(new, None, **given), body, terms, caller, START_MS, ignore_progress)
    with opened(new, None, **given) as trial:
        advance(trial, 60)
        written = [run(trial)]
        lineage = Deps(trial).read_sync(read_lineage)
        half = f".ari-{name_writer(trial.read_instance_id(START_MS), lineage)}-job_1.partial"
        (target / half).write_bytes(b"half")
        advance(instance, 120)
        written.append(run(instance, force=True))
    names = [one.name for one in written if one is not None]
    assert lineage in names[0]
    assert lineage not in names[1]
    assert names_in(target) == sorted([half, *names])


def test_old_backups_go_after_a_new_one_is_verified(instance: Instance, target: Path) -> None:
    """Only this instance's: not another file, nor one under its name that it didn't sign."""
    instance.settings = instance.settings.model_copy(update={"backup_keep": "2 last"})
    names = []
    for _ in range(3):
        written = run(instance)
        assert written is not None
        names.append(written.name)
        advance(instance, DAY)
    assert names_in(target) == names[1:]
    forged = names[0]
    (target / "notes.txt").write_text("keep me")
    (target / forged).write_bytes(b"an operator's file, with a name that a backup had")
    other = names[0].replace("-ins_", "-ins_0", 1)[: len(names[0]) - 8] + ".backup"
    copy_as(target, names[1], other)
    written = run(instance)
    assert written is not None
    assert names_in(target) == sorted(["notes.txt", forged, other, names[2], written.name])


@pytest.mark.parametrize(
    ("failing", "words"),
    [
        ({"store": Unavailable("Can't write: No space left on device.")}, "No space left"),
        ({"clean": Unavailable("Can't reach it.")}, "Can't reach it."),
    ],
)
def test_a_failure_leaves_nothing_but_its_reason(
    instance: Instance, target: Path, failing: dict[str, Any], words: str
) -> None:
    """No half file, all old backups, and a retry that succeeds."""
    first = run(instance)
    assert first is not None
    advance(instance, DAY)
    with pytest.raises(Unavailable, match=words):
        run(instance, FailingTarget(open_backup_target(instance.settings, str(target)), **failing))
    assert names_in(target) == [first.name]
    state = state_of(instance)
    assert (state.name, state.failures, state.holder) == (first.name, 1, "")
    assert words in state.error
    advance(instance, 600)
    assert run(instance) is not None
    assert state_of(instance).failures == 0


def test_a_clock_that_was_ahead_removes_no_new_backup(instance: Instance, target: Path) -> None:
    """The stale backup from the future isn't the newest, whatever its name says; nor is it removed."""
    instance.settings = instance.settings.model_copy(update={"backup_keep": "1 last"})
    advance(instance, 20 * DAY)
    ahead = run(instance)
    advance(instance, -20 * DAY)
    new = run(instance)
    assert ahead is not None
    assert new is not None
    assert names_in(target) == [new.name, ahead.name]


def test_a_failed_removal_does_not_fail_the_backup(instance: Instance, target: Path) -> None:
    """The new one is verified; the next one removes the old ones."""
    instance.settings = instance.settings.model_copy(update={"backup_keep": "1 last"})
    assert run(instance) is not None
    advance(instance, DAY)
    broken = FailingTarget(open_backup_target(instance.settings, str(target)), remove=Unavailable("no"))
    assert run(instance, broken) is not None
    assert state_of(instance).unremoved == 1
    assert len(names_in(target)) == 2
    advance(instance, DAY)
    assert run(instance) is not None
    assert len(names_in(target)) == 1


def test_one_backup_that_cannot_be_removed_keeps_no_other(instance: Instance, target: Path) -> None:
    """As a lifecycle rule makes them unreadable. The state says so until it is gone."""
    instance.settings = instance.settings.model_copy(update={"backup_keep": "1 last"})
    stuck = run(instance)
    assert stuck is not None
    frozen = Unavailable("Can't read it: the service responded InvalidObjectState.")
    for _ in range(3):
        advance(instance, DAY)
        broken = FailingTarget(open_backup_target(instance.settings, str(target)), read_end=frozen)
        broken.only = stuck.name
        written = run(instance, broken)
        assert written is not None
        assert names_in(target) == sorted([stuck.name, written.name])
    state = state_of(instance)
    assert (state.unremoved, state.failures) == (1, 0)
    assert state.removal_error == f"{stuck.name}: {frozen}"
    advance(instance, DAY)
    assert run(instance) is not None
    assert (state_of(instance).unremoved, state_of(instance).removal_error) == (0, "")


def test_a_full_disk_stops_the_backup_before_it_stops_the_requests(instance: Instance, target: Path) -> None:
    """Space that ARI_MIN_FREE_DISK reserves for callers isn't used for a backup."""
    instance.settings = instance.settings.model_copy(update={"min_free_disk": 1 << 60})
    with pytest.raises(Unavailable, match="less space free than ARI_MIN_FREE_DISK"):
        run(instance)
    assert names_in(target) == []


@pytest.mark.parametrize("kind", [Unavailable, ConfigurationError])
def test_a_backup_that_cannot_be_tried_is_kept_but_not_trusted(
    instance: Instance, target: Path, monkeypatch: pytest.MonkeyPatch, kind: type[AriError]
) -> None:
    """It is better than none. It counts as a failure, is named so, and removes no older one."""
    instance.settings = instance.settings.model_copy(update={"backup_keep": "1 last"})
    first = run(instance)
    assert first is not None

    def fail(*_: object) -> None:
        raise kind("Can't restore it: no space.")

    monkeypatch.setattr(instance.backup_files, "read_whole", fail)
    advance(instance, DAY)
    for _ in range(3):
        with pytest.raises(Unavailable, match=r"unverified.backup was written, but couldn't be verified: .*no space"):
            run(instance, force=True)
        advance(instance, 1)
    assert len(names_in(target)) == 3, "the first, and the last two of three"
    assert first.name in names_in(target)
    assert state_of(instance).name == first.name
    assert [event.name for event in _events(instance)].count("backup_failed") == 1
    monkeypatch.undo()
    last = run(instance, force=True)
    assert last is not None
    assert names_in(target) == [last.name]


def test_a_bad_backup_is_never_kept(instance: Instance, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that a disk spoiled before the backup was verified."""
    write = instance.write_backup

    def spoil(file: Any, *rest: Any) -> Any:
        written = write(file, *rest)
        file.seek(200)
        file.write(b"\0\0\0\0")
        file.seek(0, os.SEEK_END)
        return written

    monkeypatch.setattr(instance, "write_backup", spoil)
    with pytest.raises(Invalid, match="changed, truncated or damaged"):
        run(instance)
    assert names_in(target) == []
    assert "changed, truncated or damaged" in state_of(instance).error


def test_reading_is_a_cheaper_check(instance: Instance, target: Path) -> None:
    """ARI_BACKUP_VERIFY=read restores nothing, but still finds bytes that changed."""
    written = run(instance)
    assert written is not None
    path = target / written.name
    instance.backup_files.read_whole(path, ignore_progress)
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)
    with pytest.raises(Invalid):
        instance.backup_files.read_whole(path, ignore_progress)


def test_what_a_killed_run_left_is_removed(instance: Instance, target: Path) -> None:
    """Its hidden files, and its temporary instance; not what another instance writes into the same place now."""
    work = instance.settings.data_dir / "backup.work"
    (work / "ari-trial-x" / "deep").mkdir(parents=True)
    (work / "ari-trial-x" / LOCK).touch()
    own = instance.read_instance_id(START_MS)
    others = [f".ari-ins_{'0' * 26}-job_{'1' * 26}.partial", "other.partial"]
    for name in (f".ari-{own}-job_1.partial", *others):
        (target / name).write_bytes(b"half")
        (work / name).write_bytes(b"half, before it was sent to a bucket")
    written = run(instance)
    assert written is not None
    assert names_in(target) == sorted([*others, written.name])
    assert names_in(work) == sorted(others)


def test_what_others_left_unfinished_goes_after_a_day(instance: Instance, target: Path) -> None:
    """After a restore, nobody has the name of the writer that was killed. One that is being written stays."""
    old = target / f".ari-ins_{'0' * 26}-job_{'1' * 26}.partial"
    old.touch()
    os.utime(old, (1, 1))
    run(instance)
    assert not old.exists()


def test_a_process_that_stops_gives_the_lease_back(instance: Instance, target: Path) -> None:
    """The backup stays due, and isn't a failure."""
    stop = FailingTarget(open_backup_target(instance.settings, str(target)), store=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run(instance, stop)
    assert names_in(target) == []
    assert (state_of(instance).failures, state_of(instance).holder) == (0, "")
    assert is_due(Deps(instance))


def test_a_place_that_is_gone_is_a_failure_too(instance: Instance, target: Path) -> None:
    """A disk that isn't mounted any more: nothing is written to the folder under it."""
    target.rmdir()
    with pytest.raises(Unavailable, match="there is no directory"):
        run(instance)
    assert not target.exists()
    assert state_of(instance).failures == 1


def test_a_failure_at_the_start_counts(instance: Instance) -> None:
    """A place that is away when ARI starts: it is tried again as after any failure; a running backup isn't touched."""
    assert run(instance) is not None
    record_failure(Deps(instance), "The place is away.")
    assert (state_of(instance).failures, state_of(instance).error) == (1, "The place is away.")
    assert not is_due(Deps(instance))
    advance(instance, 300)
    assert is_due(Deps(instance))
    settings = instance.settings
    taken = (settings.backup_schedule, ZoneInfo(settings.time_zone), "other")
    assert Deps(instance).do_sync(claim, *taken)
    record_failure(Deps(instance), "The place is away again.")
    assert (state_of(instance).failures, state_of(instance).holder) == (1, "other")


def test_an_unexpected_error_is_stored_without_its_words(instance: Instance, target: Path) -> None:
    """They may contain anything; its type is enough to look for it in the log."""
    broken = FailingTarget(open_backup_target(instance.settings, str(target)), store=ValueError("s3cret"))
    with pytest.raises(ValueError, match="s3cret"):
        run(instance, broken)
    assert state_of(instance).error == "Unexpected error (ValueError)."


def test_keys_of_the_trial_stay_where_they_are(instance: Instance) -> None:
    """Verifying a backup changes nothing in the instance itself."""
    instance.settings = instance.settings.model_copy(update={"backup_verify": "restore"})
    key = create_key(instance, "trial").key
    before = [event.id for event in _events(instance)]
    assert run(instance) is not None
    events = [event for event in _events(instance) if event.id not in before]
    assert [event.name for event in events] == ["backup_written"]
    found = Deps(instance).read_sync(lambda tx: tx.keys.get(key.id))
    assert found is not None
    assert not found.disabled
