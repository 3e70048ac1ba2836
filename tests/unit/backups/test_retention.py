"""Which backups are removed."""

from datetime import UTC, datetime, timedelta

from ari.backups.backup_name import BackupName
from ari.backups.retention import choose_removable

OURS, THEIRS = "ins_" + "0" * 26, "ins_" + "1" * 26
NOON = datetime(2027, 6, 30, 12, tzinfo=UTC)


def _at(days: float, *, verified: bool = True, instance: str = OURS) -> BackupName:
    return BackupName(round((NOON - timedelta(days=days)).timestamp()) * 1000, instance, verified)


def test_the_newest_of_each_period_stays() -> None:
    """Two a day for two years come down to 7 days, 4 weeks and 6 months."""
    found = [_at(half / 2) for half in range(1460)]
    removed = choose_removable(found, OURS, {"daily": 7, "weekly": 4, "monthly": 6})
    kept = sorted({*found} - {*removed}, key=lambda one: one.at_ms, reverse=True)
    days = [(NOON - datetime.fromtimestamp(one.at_ms / 1000, UTC)).total_seconds() / 86400 for one in kept]
    assert days == [*range(7), 10, 17, 30, 61, 91, 122, 150]
    assert [*removed] == sorted(removed, key=lambda one: one.at_ms)


def test_repeating_it_removes_nothing_more() -> None:
    """A backup that is kept once is kept again while no new backup comes."""
    found, keep = [_at(day) for day in range(400)], {"daily": 3, "yearly": 2, "hourly": 1, "last": 5}
    kept = [one for one in found if one not in choose_removable(found, OURS, keep)]
    assert choose_removable(kept, OURS, keep) == []


def test_the_newest_verified_backup_always_stays() -> None:
    """Also if newer ones couldn't be verified, and if nothing but them is there."""
    found = [_at(day, verified=False) for day in range(5)] + [_at(day) for day in (5, 6)]
    assert choose_removable(found, OURS, {"last": 1}) == [_at(6), *(_at(day, verified=False) for day in (4, 3, 2))]
    assert choose_removable([_at(day, verified=False) for day in range(5)], OURS, {"last": 1}) == []
    assert choose_removable([_at(1), _at(2)], OURS, {"last": 0, "daily": 1}) == [_at(2)]


def test_backups_of_other_instances_stay() -> None:
    """Several instances may share a bucket, each with its own settings."""
    found = [_at(day, instance=THEIRS) for day in range(9)] + [_at(3), _at(4)]
    assert choose_removable(found, OURS, {"last": 1}) == [_at(4)]


def test_all_keeps_all() -> None:
    """For buckets whose lifecycle rules remove."""
    assert choose_removable([_at(day) for day in range(9)], OURS, None) == []
