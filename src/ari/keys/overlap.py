"""How long the old secret of a rotated key works next to the new one."""

import re

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from ari.base.errors import Invalid, Problem

DEFAULT_OVERLAP = "24h"
MAX_OVERLAP_MS = 30 * DAY_MS
OVERLAP_PATTERN = r"^(0|[1-9][0-9]{0,6})[smhd]$"
OVERLAP_CHOICES = {
    "0s": "None",
    "1h": "1 hour",
    "24h": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
}
"""The choices of the page, with their labels."""
_UNITS_MS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}


def parse_overlap(text: str) -> int:
    """Milliseconds from ``0s`` to ``30d``. Raises ``Invalid`` for the field ``overlap``."""
    found = re.fullmatch(OVERLAP_PATTERN, text, re.ASCII)
    overlap_ms = int(text[:-1]) * _UNITS_MS[text[-1]] if found else MAX_OVERLAP_MS + 1
    if overlap_ms > MAX_OVERLAP_MS:
        raise Invalid(Problem("overlap", "Use a duration from 0s to 30d, such as 24h."))
    return overlap_ms
