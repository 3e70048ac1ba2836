"""Which backups are removed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ari.backups.backup_name import BackupName
from ari.backups.retention import choose_removable
from ari.base.backup_plan import parse_keep

OURS, THEIRS = "ins_" + "0" * 26, "ins_" + "1" * 26
NOON = datetime(2027, 6, 30, 12, tzinfo=UTC)


def _at(days: float, *, verified: bool = True, instance: str = OURS) -> BackupName:
    return BackupName(round((NOON - timedelta(days=days)).timestamp()) * 1000, instance, verified)


def test_the_newest_of_each_period_stays() -> None:
    """Two a day for two years come down to 7 days, 4 weeks and 6 months."""
    found = [_at(half / 2) for half in range(1460)]
    removed = choose_removable(found, _at(0), {"daily": 7, "weekly": 4, "monthly": 6})
    kept = sorted({*found} - {*removed}, key=lambda one: one.at_ms, reverse=True)
    days = [(NOON - datetime.fromtimestamp(one.at_ms / 1000, UTC)).total_seconds() / 86400 for one in kept]
    assert days == [*range(7), 10, 17, 30, 61, 91, 122, 150]
    assert [*removed] == sorted(removed, key=lambda one: one.at_ms)


def test_one_written_by_hand_outlives_the_next_scheduled_ones() -> None:
    """Before an upgrade: with the default settings, it isn't the newest of its day but one of the last three."""
    found, keep = [_at(0), _at(0.1), _at(1)], parse_keep("3 last, 7 daily, 4 weekly, 6 monthly")
    assert choose_removable(found, _at(0), keep) == []


def test_repeating_it_removes_nothing_more() -> None:
    """A backup that is kept once is kept again while no new backup comes."""
    found, keep = [_at(day) for day in range(400)], {"daily": 3, "yearly": 2, "hourly": 1, "last": 5}
    kept = [one for one in found if one not in choose_removable(found, _at(0), keep)]
    assert choose_removable(kept, _at(0), keep) == []


def test_the_newest_verified_backup_always_stays() -> None:
    """Also if the setting keeps none; it replaces all unverified ones."""
    assert choose_removable([_at(1), _at(2)], _at(1), {"last": 0, "daily": 1}) == [_at(2)]
    found = [_at(0), _at(1, verified=False), _at(2)]
    assert choose_removable(found, _at(0), {"last": 2}) == [_at(1, verified=False)]


def test_unverified_backups_do_not_pile_up() -> None:
    """A disk without space for a verification stays that way for weeks: two stay, and every verified one."""
    found = [_at(day, verified=False) for day in range(5)] + [_at(day) for day in (5, 6)]
    removed = [_at(day, verified=False) for day in (4, 3, 2)]
    assert choose_removable(found, _at(0, verified=False), {"last": 1}) == removed
    assert choose_removable(found[:5], _at(0, verified=False), {"last": 1}) == removed


def test_backups_from_the_future_stay_and_count_for_nothing() -> None:
    """After a clock that was ahead, the backup just written isn't the oldest. One that is behind removes nothing."""
    found = [_at(-20), _at(-19, verified=False), _at(0), _at(1)]
    assert choose_removable(found, _at(0), {"last": 1}) == [_at(1)]
    assert choose_removable(found, _at(1), {"last": 1, "daily": 1}) == []


def test_backups_of_other_instances_stay() -> None:
    """Several instances may share a bucket, each with its own settings."""
    found = [_at(day, instance=THEIRS) for day in range(9)] + [_at(3), _at(4)]
    assert choose_removable(found, _at(3), {"last": 1}) == [_at(4)]


def test_backups_of_other_restores_stay() -> None:
    """A trial restore has the same instance id: neither it nor the original removes what the other wrote."""
    trial = [replace(_at(day), lineage="res_" + "0" * 26) for day in range(4)]
    found = [*trial, _at(0), _at(1)]
    assert choose_removable(found, _at(0), {"last": 1}) == [_at(1)]
    assert choose_removable(found, trial[0], {"last": 1}) == trial[:0:-1]


def test_all_keeps_all() -> None:
    """For buckets whose lifecycle rules remove."""
    assert choose_removable([_at(day) for day in range(9)], _at(0), None) == []
