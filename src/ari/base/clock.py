"""The one source of time.

An instant is an ``int``: milliseconds since 1970-01-01 UTC. Names of instants end in ``_at_ms``.
"""

import re
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Protocol

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST_MS = -62_135_596_800_000
"""The first instant that RFC 3339 can write here: 0001-01-01T00:00:00.000Z."""
LATEST_MS = 253_402_300_799_999
"""The last instant that RFC 3339 can write: 9999-12-31T23:59:59.999Z."""


def in_words(seconds: int) -> str:
    """A wait for people: ``45 seconds``, ``5 minutes``, ``2 hours 10 minutes``, ``3 days 4 hours``; rounded up.

    Hours have minutes and days have hours, so that it is never much longer than the wait.
    """
    index = next(index for index, (size, _) in enumerate(_UNITS) if seconds >= size * 2 or size == 1)
    size, unit = _UNITS[index]
    if unit in ("minute", "second"):
        return _count_units(-(-seconds // size), unit)
    part_size, part_unit = _UNITS[index + 1]
    number, parts = divmod(-(-seconds // part_size), size // part_size)
    return _count_units(number, unit) + (f" {_count_units(parts, part_unit)}" if parts else "")


def _count_units(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


class Clock(Protocol):
    """The time of day and a monotonic time."""

    def now_ms(self) -> int:
        """The present instant, in milliseconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never steps back."""

    def uptime_ms(self) -> int:
        """Milliseconds since the machine started, the same in each of its processes; never steps back."""


_UPTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def read_boot_id() -> str:
    """An id that is new with each start of the machine; where there is none, its start to the minute."""
    try:
        return _BOOT_ID.read_text().strip()[:64]
    except OSError:
        return str(round((time.time() - _uptime_ms() / SECOND_MS) / 60))


def _uptime_ms() -> int:
    return time.clock_gettime_ns(_UPTIME) // 1_000_000


class SystemClock:
    """The machine's clock."""

    monotonic = staticmethod(time.monotonic)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def uptime_ms(self) -> int:
        return _uptime_ms()


class FileClock:
    """The machine's clock plus an offset in milliseconds read from a file at every call.

    Test mode (``ARI_TEST_CLOCK_FILE``): lets a test move the time of a real server process. A missing file counts as 0.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self._offset_ms()

    def monotonic(self) -> float:
        return time.monotonic() + max(0, self._offset_ms()) / 1000

    def uptime_ms(self) -> int:
        return _uptime_ms() + max(0, self._offset_ms())

    def _offset_ms(self) -> int:
        try:
            return int(self._path.read_text())
        except (OSError, ValueError):
            return 0


def system_clock(offset_file: Path | None) -> Clock:
    """The machine's clock, moved by ``offset_file`` where that is given (test mode)."""
    return SystemClock() if offset_file is None else FileClock(offset_file)


def to_rfc3339(at_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds and ``Z``."""
    return f"{_second(at_ms // SECOND_MS)}.{at_ms % SECOND_MS:03}Z"


def to_optional_rfc3339(at_ms: int | None) -> str | None:
    """The same, ``None`` for no time."""
    return None if at_ms is None else to_rfc3339(at_ms)


@lru_cache(maxsize=4_096)
def _second(seconds: int) -> str:
    """Cached: the same instants are formatted repeatedly, at 2 µs each."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]


def from_rfc3339(text: str) -> int:
    """Milliseconds since the epoch; fractions below a millisecond are dropped.

    Raises ``ValueError`` for what is no RFC 3339 date-time with an offset, and for what ``to_rfc3339`` cannot write.
    """
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise ValueError("not an RFC 3339 time with an offset")
    date, time_of_day, fraction, offset = found.groups()
    milliseconds = (fraction or "").ljust(3, "0")[:3]
    moment = datetime.fromisoformat(f"{date}T{time_of_day}.{milliseconds}{offset.upper()}")
    at_ms = (moment - _EPOCH) // timedelta(milliseconds=1)
    if not EARLIEST_MS <= at_ms <= LATEST_MS:  # its offset moves it out of the years that UTC can write
        raise ValueError("beyond what a time can be")
    return at_ms
