"""Which backups to remove: all but the newest of each of the last hours, days, weeks, months and years."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from ari.backups.backup_name import BackupName

MAX_UNVERIFIED = 2
"""Unverified backups that are kept, of those that are newer than the last verified one."""

_PERIOD_OF: dict[str, Callable[[datetime], object]] = {
    "last": lambda at: at,
    "hourly": lambda at: (at.date(), at.hour),
    "daily": lambda at: at.date(),
    "weekly": lambda at: at.isocalendar()[:2],
    "monthly": lambda at: (at.year, at.month),
    "yearly": lambda at: at.year,
}


def choose_removable(found: Sequence[BackupName], instance: str, keep: Mapping[str, int] | None) -> list[BackupName]:
    """The backups of this instance that nothing keeps, oldest first; ``keep`` is that of ``parse_keep``.

    Days, weeks, months and years are those of UTC. The newest verified backup always stays, and without a verified one
    nothing is removed.
    """
    own = sorted((one for one in found if one.instance == instance), key=lambda one: one.at_ms, reverse=True)
    verified = [one for one in own if one.verified]
    if keep is None or not verified:
        return []
    kept = {verified[0]}
    for period, count in keep.items():
        kept |= _choose_newest(verified, _PERIOD_OF[period], count)
    newer = [one for one in own if not one.verified and one.at_ms > verified[0].at_ms]
    kept |= set(newer[:MAX_UNVERIFIED])
    return [one for one in reversed(own) if one not in kept]


def _choose_newest(
    names: Sequence[BackupName], find_period: Callable[[datetime], object], count: int
) -> set[BackupName]:
    """The newest of each period, of the last ``count`` periods that have any; ``names`` are newest first."""
    newest: dict[object, BackupName] = {}
    for one in names:
        newest.setdefault(find_period(datetime.fromtimestamp(one.at_ms / 1000, UTC)), one)
    return set(list(newest.values())[:count])
