"""The defaults of scheduled backups."""

from pathlib import Path

from ari.base.backup_plan import BackupSchedule
from ari.base.clock import DAY_MS
from ari.base.settings import load_settings


def test_backups_are_off_but_have_sensible_defaults(tmp_path: Path) -> None:
    """One setting turns them on: once a day, each restored, half a year kept."""
    found = load_settings(data_dir=tmp_path)
    assert found.backup_to is None
    assert found.backup_schedule == BackupSchedule(DAY_MS)
    assert found.backup_retention == {"last": 3, "daily": 7, "weekly": 4, "monthly": 6}
    assert found.backup_verify == "restore"
