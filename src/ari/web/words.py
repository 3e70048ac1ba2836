"""Texts for pages: times, numbers, states, actors. Pure functions that templates call."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.keys.expiry import find_choice
from ari.keys.limits.rules import Refill
from ari.keys.listing import NEW_MS, SOON_MS, UNUSED_MS
from ari.keys.model import ApiKey
from ari.keys.ownership import metadata_facts
from ari.keys.reasons import ACCEPTED, REASONS, REQUEST_ERRORS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PARTS = re.compile(r"[^._/]*[._/]+|[^._/]+")
_JUST_NOW_MS = 45_000
_TWO_YEARS_DAYS = 730

LEAK_ACTIONS = {"notify": "you are notified", "disable": "disabled", "revoke": "revoked"}
"""What happens to leaked keys."""
_USED_UP = ("rate_limited", "credits_exhausted", "budget_exhausted")
DateShape = Literal["full", "hour", "day", "week", "date", "time"]


class Badge(NamedTuple):
    """A state in words and the kind that colors it: ``good``, ``soon``, ``off``, ``bad`` or ``over`` (inactive)."""

    kind: str
    text: str


def date_text(moment: datetime, shape: DateShape) -> str:
    """A date as pages show it; with scripting, ``js/times.js`` shows the same shapes in the viewer's locale."""
    date = f"{moment:%b} {moment.day}"
    match shape:
        case "full":
            return f"{date}, {moment.year}, {moment:%H:%M:%S} UTC"
        case "hour":
            return f"{moment:%a}, {date}, {moment:%H:%M}"
        case "day":
            return f"{moment:%a}, {date}"
        case "week":
            return f"Week of {date}"
        case "date":
            return date
        case "time":
            return f"{moment:%H:%M}"


def exact(at_ms: int) -> str:
    """``Nov 23, 2025, 14:02:11 UTC``."""
    return date_text(_moment(at_ms), "full")


def day(at_ms: int) -> str:
    """``Nov 23``, a day of UTC."""
    return date_text(_moment(at_ms), "date")


def relative(at_ms: int, now_ms: int) -> str:
    """``in 83 days``, ``2 min ago``, ``just now``."""
    distance = at_ms - now_ms
    if distance >= 0:
        return f"in {span(distance)}"
    return "just now" if -distance < _JUST_NOW_MS else f"{span(-distance)} ago"


def span(length_ms: int) -> str:
    """A length of time in its largest fitting unit, rounded."""
    if length_ms < _JUST_NOW_MS:
        return "less than a minute"
    if round(length_ms / DAY_MS) in (365, 366):
        return "1 year"
    for unit_ms, name, below in ((MINUTE_MS, "min", 60), (HOUR_MS, "hour", 48), (DAY_MS, "day", _TWO_YEARS_DAYS)):
        amount = max(1, round(length_ms / unit_ms))
        if amount < below:
            return f"{amount} min" if name == "min" else pluralize(amount, name)
    return pluralize(round(length_ms / (365.25 * DAY_MS)), "year")


def pluralize(amount: int, noun: str) -> str:
    """``1 key``, ``1,204 keys``."""
    return f"{amount:,} {noun}" + ("" if amount == 1 else "s")


def short(amount: int) -> str:
    """``950``, ``1.2k``, ``30M``: for the scale of a chart."""
    for length, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if amount >= length:
            return f"{amount / length:.1f}".removesuffix(".0") + letter
    return str(amount)


def duration(length_ms: float | None) -> str:
    """``9 ms``, ``0.4 ms``, ``1.2 s``; a dash where it is not known."""
    if length_ms is None:
        return "—"
    if length_ms >= 1_000:
        return f"{length_ms / 1_000:.1f} s"
    return f"{length_ms:.0f} ms" if length_ms >= 1 else f"{length_ms:.1f} ms"


def describe_refill(refill: Refill) -> str:
    """``refilled to 1,000 monthly at 06:00 Europe/Berlin``."""
    period = {"day": "daily", "month": "monthly"}[refill.every]
    return f"refilled to {refill.amount:,} {period} at {refill.hour:02}:00 {refill.time_zone}"


def badge(key: ApiKey, now_ms: int) -> Badge:
    """The key's state as the table shows it."""
    status = key.status(now_ms)
    if status == "revoked":
        return Badge("over", "Revoked")
    if status == "expired":
        return Badge("over", "Expired")
    if status == "disabled":
        return Badge("off", "Disabled")
    if key.expires_at_ms is not None and _expires_soon(key.created_at_ms, key.expires_at_ms, now_ms):
        return Badge("soon", f"Expires {relative(key.expires_at_ms, now_ms)}")
    return Badge("good", "Active")


def _expires_soon(created_at_ms: int, expires_at_ms: int, now_ms: int) -> bool:
    """On a key's first day only once half of its life is over: its owner has just chosen the expiry."""
    is_new = now_ms - created_at_ms < NEW_MS and now_ms - created_at_ms < expires_at_ms - now_ms
    return expires_at_ms - now_ms <= SOON_MS and not is_new


def use_badge(key: ApiKey, used_at_ms: int | None, now_ms: int) -> Badge | None:
    """The badge of an active key that is not used; a key may be unused on its first day."""
    if key.status(now_ms) != "active":
        return None
    if used_at_ms is None:
        return None if now_ms - key.created_at_ms < NEW_MS else Badge("off", "Never used")
    if used_at_ms > now_ms - UNUSED_MS:
        return None
    return Badge("soon", f"Unused for {span(now_ms - used_at_ms)}")


def outcome(code: str) -> str:
    """The name of a usage row's code."""
    if code == ACCEPTED:
        return "Key ok"
    reason = REASONS.get(code) or REQUEST_ERRORS.get(code)
    return reason.title if reason else code.replace("_", " ").capitalize()


def verdict(code: str) -> str:
    """The verdict on a request's key: ``Key: ok``, ``Key: expired``; ``Refused: …`` for an error of the request.

    A limit or budget that is used up says nothing about the key: ``Budget used up``.
    """
    if code in _USED_UP:
        return outcome(code)
    if code == ACCEPTED or code in REASONS:
        return "Key: " + code.replace("_", " ").replace("ip ", "IP ")
    return f"Refused: {outcome(code)}"


def actor(text: str, account_id: str | None) -> str:
    """The actor of an event: you, the owner, someone at the command line, or ARI. Pages name keys themselves."""
    if text == account_id:
        return "you"
    if text.startswith("usr_"):
        return "the owner"
    if text.startswith("cli:"):
        return f"{text.removeprefix('cli:')} (CLI)"
    return {"system": "ARI", "visitor": "a visitor"}.get(text, text)


def label_expiry(word: str) -> str:
    """``90 days``, for a kind's default expiry."""
    return find_choice(word).label


def format_metadata(text: str | None) -> str:
    """Stored metadata on several lines; empty for none."""
    return "" if text is None else json.dumps(metadata_facts(text), indent=2, ensure_ascii=False)


def split_for_breaks(text: str) -> list[str]:
    """The parts of a host, path or type, which may end its line after ``.``, ``/`` and ``_``, not within a word."""
    return _PARTS.findall(text)


def _moment(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)
