"""Scheduled backups in a line: when the last one was written, when the next one is due, and what is wrong with them."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from ari.backups.ports import BackupTransaction
from ari.backups.state import REPORTED_FAILURES, read_state
from ari.base.master_key import MasterKeys
from ari.base.settings import Settings


@dataclass(frozen=True, slots=True)
class BackupSummary:
    """``place`` is ``None`` if scheduled backups are off; times are ``None`` before the first backup.

    ``next_ms`` may be in the past: the backup is written within seconds, or ARI waits for its place. ``warning`` is
    ``failed``, ``late``, ``other_key`` (the last one needs a master key that isn't here) or empty, and ``error`` why
    the last attempt failed. ``unremoved`` counts old backups that retention couldn't remove, ``removal_error`` is why.
    """

    place: str | None
    last_ms: int | None = None
    next_ms: int | None = None
    is_running: bool = False
    warning: str = ""
    failures: int = 0
    error: str = ""
    unremoved: int = 0
    removal_error: str = ""


def read_backup_summary(tx: BackupTransaction, settings: Settings, keys: MasterKeys) -> BackupSummary:
    """The state now. One failure that a retry may repair is shown without a warning, as the email is."""
    if settings.backup_to is None:
        return BackupSummary(None)
    state, schedule = read_state(tx), settings.backup_schedule
    failed, late = state.failures >= REPORTED_FAILURES, state.is_late(schedule, tx.now_ms)
    return BackupSummary(
        settings.backup_to,
        state.began_ms if state.verified_ms else None,
        state.find_due_ms(schedule, ZoneInfo(settings.time_zone), tx.now_ms) or tx.now_ms,
        state.is_held(tx.now_ms),
        "failed" if failed else "other_key" if state.needs_other_key(keys) else "late" if late else "",
        state.failures,
        state.error,
        state.unremoved,
        state.removal_error,
    )
