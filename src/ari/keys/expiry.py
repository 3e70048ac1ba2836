"""How long a key lives: the choices of the page, in its order and with its hints, and exact times."""

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


def expiry_of(word: str | None, expires_at_ms: int | None, now_ms: int) -> int | None:
    """The instant of death, ``None`` = never, from one of a word and an exact time; neither = never.

    Raises ``Invalid`` for both, an unknown word, or a time that is past or beyond the year 9999.
    """
    if word is not None and expires_at_ms is not None:
        raise Invalid(Problem("expires", "Set either expires or expires_at, not both."))
    if expires_at_ms is not None:
        return check_expiry(expires_at_ms, now_ms)
    if word is None:
        return None
    choice = EXPIRY_CHOICES.get(word)
    if choice is None:
        raise Invalid(
            Problem("expires", f"Choose one of {', '.join(EXPIRY_CHOICES)}, or set a time: expires_at (--expires-at).")
        )
    return None if choice.lifetime_ms is None else now_ms + choice.lifetime_ms


def check_expiry(expires_at_ms: int, now_ms: int) -> int:
    """The same instant. Raises ``Invalid`` unless it lies ahead, within what RFC 3339 can write."""
    if expires_at_ms <= now_ms:
        raise Invalid(Problem("expires_at", "This time is in the past. Choose a later one."))
    if expires_at_ms > LATEST_MS:
        raise Invalid(Problem("expires_at", "This time is after the year 9999. Omit it for a key that never expires."))
    return expires_at_ms
