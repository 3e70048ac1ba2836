"""When backups are due, and which are kept, as the settings say it."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from ari.base.backup_plan import BackupSchedule, parse_keep
from ari.base.clock import DAY_MS, HOUR_MS

BERLIN = ZoneInfo("Europe/Berlin")


def _ms(zone: ZoneInfo, year: int, month: int, day: int, hour: int, minute: int = 0) -> int:
    return round(datetime(year, month, day, hour, minute, tzinfo=zone).timestamp() * 1000)


def test_an_interval_counts_from_the_start_of_the_last_backup() -> None:
    """So a slow backup doesn't move the schedule."""
    assert BackupSchedule.parse("6h").find_next_ms(1_000, UTC) == 1_000 + 6 * HOUR_MS
    assert BackupSchedule.parse("15m").period_ms == HOUR_MS // 4
    assert BackupSchedule.parse("31d").period_ms == 31 * DAY_MS


def test_a_time_of_day_is_the_next_one_in_the_zone() -> None:
    """Also on the days on which the clocks change, when that time is missing or there twice."""
    nightly = BackupSchedule.parse("02:30")
    assert nightly == BackupSchedule(DAY_MS, time(2, 30))
    assert nightly.find_next_ms(_ms(BERLIN, 2027, 1, 5, 2, 29), BERLIN) == _ms(BERLIN, 2027, 1, 5, 2, 30)
    assert nightly.find_next_ms(_ms(BERLIN, 2027, 1, 5, 2, 30), BERLIN) == _ms(BERLIN, 2027, 1, 6, 2, 30)
    for month, day in ((3, 28), (10, 31)):
        began_ms = _ms(BERLIN, 2027, month, day - 1, 12)
        due_ms = nightly.find_next_ms(began_ms, BERLIN)
        assert began_ms < due_ms <= began_ms + DAY_MS
        assert nightly.find_next_ms(due_ms, BERLIN) >= due_ms + 22 * HOUR_MS


@pytest.mark.parametrize("text", ["", "14m", "32d", "1w", "24", "-1h", "24:00", "3:00", "03:60", "٣h", "0h", "24h\n"])
def test_other_intervals_are_refused(text: str) -> None:
    """With the end of a sentence that says what to use."""
    with pytest.raises(ValueError, match="such as 6h or 24h, or a time of day"):
        BackupSchedule.parse(text)


def test_what_is_kept() -> None:
    """One number for each period, in any order, or all."""
    assert parse_keep("7 daily, 4 weekly,6  monthly") == {"daily": 7, "weekly": 4, "monthly": 6}
    assert parse_keep("3 last") == {"last": 3}
    assert parse_keep("all") is None
    for text in ("", "7", "daily", "7 daily, 8 daily", "7 days", "-1 daily", "7 daily,", "all, 7 daily"):
        with pytest.raises(ValueError, match="7 daily, 4 weekly"):
            parse_keep(text)
    with pytest.raises(ValueError, match="at least one"):
        parse_keep("0 daily, 0 weekly")
