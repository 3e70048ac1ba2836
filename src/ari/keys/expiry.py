"""How long a key lives: the choices of the page, in its order and with its hints, other durations, and exact times."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ari.base.clock import DAY_MS, HOUR_MS, LATEST_MS
from ari.base.errors import Invalid, Problem


@dataclass(frozen=True, slots=True)
class ExpiryChoice:
    """A word of the interface with its label and hint for people; ``lifetime_ms`` ``None`` = never expires."""

    label: str
    hint: str
    lifetime_ms: int | None


EXPIRY_CHOICES = {
    "1h": ExpiryChoice("1 hour", "Great for one-off scripts or temporary access.", HOUR_MS),
    "7d": ExpiryChoice("7 days", "Short-term automation or trying out an integration.", 7 * DAY_MS),
    "30d": ExpiryChoice("30 days", "Typical for ongoing scripts that you can rotate monthly.", 30 * DAY_MS),
    "90d": ExpiryChoice("90 days", "A sensible default for production integrations.", 90 * DAY_MS),
    "1y": ExpiryChoice("1 year", "For longer-lived keys.", 365 * DAY_MS),
    "never": ExpiryChoice("Never", "Stays valid until you revoke it manually.", None),
}

SUGGESTED_EXPIRY = "90d"
"""The choice that the page preselects."""
MAX_LIFETIME_DAYS = 36_500
EXPIRES_PATTERN = "^(never|[1-9][0-9]{0,5}[hdwy])$"
_DURATION = re.compile("([1-9][0-9]{0,5})([hdwy])")
_UNITS = {"h": ("hour", HOUR_MS), "d": ("day", DAY_MS), "w": ("week", 7 * DAY_MS), "y": ("year", 365 * DAY_MS)}
DURATION_WORDS = "a duration such as 36h, 14d, 2w or 1y, or never"


def find_choice(word: str, or_else: str = "") -> ExpiryChoice:
    """The choice with this word, or that of a duration such as ``14d``.

    Raises ``Invalid``; the sentence ends with ``or_else``.
    """
    choice = EXPIRY_CHOICES.get(word)
    if choice is not None:
        return choice
    duration = _DURATION.fullmatch(word)
    if duration is None:
        raise Invalid(Problem("expires", f"Use {DURATION_WORDS}{or_else}."))
    count, (unit, unit_ms) = int(duration[1]), _UNITS[duration[2]]
    if count * unit_ms > MAX_LIFETIME_DAYS * DAY_MS:
        raise Invalid(Problem("expires", f"Use at most {MAX_LIFETIME_DAYS // 365} years, or never."))
    return ExpiryChoice(f"{count} {unit}{'' if count == 1 else 's'}", "", count * unit_ms)


def list_choices(word: str | None) -> Mapping[str, ExpiryChoice]:
    """The choices of the page, and this word's if it is another duration. Raises ``Invalid``."""
    return EXPIRY_CHOICES if word is None or word in EXPIRY_CHOICES else {word: find_choice(word), **EXPIRY_CHOICES}


def expiry_of(word: str | None, expires_at_ms: int | None, now_ms: int) -> int | None:
    """The instant of death, ``None`` = never, from a word of ``find_choice`` or an exact time; neither = never.

    Raises ``Invalid`` for both, an unknown word, or a time that is past or beyond the year 9999.
    """
    if word is not None and expires_at_ms is not None:
        raise Invalid(Problem("expires", "Set either expires or expires_at, not both."))
    if expires_at_ms is not None:
        return check_expiry(expires_at_ms, now_ms)
    if word is None:
        return None
    lifetime_ms = find_choice(word, ", or set a time: expires_at (--expires-at)").lifetime_ms
    return None if lifetime_ms is None else now_ms + lifetime_ms


def check_expiry(expires_at_ms: int, now_ms: int) -> int:
    """The same instant. Raises ``Invalid`` unless it lies ahead, within what RFC 3339 can write."""
    if expires_at_ms <= now_ms:
        raise Invalid(Problem("expires_at", "This time is in the past. Choose a later one."))
    if expires_at_ms > LATEST_MS:
        raise Invalid(Problem("expires_at", "This time is after the year 9999. Omit it for a key that never expires."))
    return expires_at_ms
