"""When scheduled backups are written, and which are kept: the values of ARI_BACKUP_EVERY and ARI_BACKUP_KEEP."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS

PERIODS = ("hourly", "daily", "weekly", "monthly", "yearly")
KEEP_ALL = "all"
_UNITS_MS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_MIN_MS, _MAX_MS = 15 * MINUTE_MS, 31 * DAY_MS
_INTERVAL = re.compile(r"([0-9]{1,5})([mhd])")
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_KEEP = re.compile(rf"([0-9]{{1,4}}) +(last|{'|'.join(PERIODS)})")
_EVERY_HINT = "use an interval between 15m and 31d such as 6h or 24h, or a time of day such as 03:00"
_KEEP_HINT = "use numbers such as 7 daily, 4 weekly, 6 monthly (also last, hourly and yearly), or all"


@dataclass(frozen=True, slots=True)
class BackupSchedule:
    """An interval, or a time of day (``at``), whose interval is a day."""

    period_ms: int
    at: time | None = None

    @classmethod
    def parse(cls, text: str) -> "BackupSchedule":
        """Parse ``6h`` or ``03:00``. Raises ``ValueError`` with the end of a sentence."""
        moment = _TIME_OF_DAY.fullmatch(text)
        if moment is not None:
            return cls(DAY_MS, time(int(moment[1]), int(moment[2])))
        interval = _INTERVAL.fullmatch(text)
        period_ms = 0 if interval is None else int(interval[1]) * _UNITS_MS[interval[2]]
        if not _MIN_MS <= period_ms <= _MAX_MS:
            raise ValueError(_EVERY_HINT)
        return cls(period_ms)

    def find_next_ms(self, began_ms: int, zone: tzinfo) -> int:
        """When the backup after the one that began at ``began_ms`` is due; a time of day is one in ``zone``."""
        if self.at is None:
            return began_ms + self.period_ms
        day = datetime.fromtimestamp(began_ms / 1000, zone).date()
        while True:
            due_ms = round(datetime.combine(day, self.at, zone).timestamp() * 1000)
            if due_ms > began_ms:
                return due_ms
            day += timedelta(days=1)


def parse_keep(text: str) -> dict[str, int] | None:
    """How many backups of each period to keep; ``None`` keeps all. Raises ``ValueError`` with the end of a sentence."""
    if text == KEEP_ALL:
        return None
    keep: dict[str, int] = {}
    for part in text.split(","):
        found = _KEEP.fullmatch(part.strip())
        if found is None or found[2] in keep:
            raise ValueError(_KEEP_HINT)
        keep[found[2]] = int(found[1])
    if not any(keep.values()):
        raise ValueError("must keep at least one backup")
    return keep
