"""Text of callers, times and numbers in emails. What callers wrote is quoted and can't be a link (security.md 40)."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from zoneinfo import ZoneInfo

from ari.base.characters import category
from ari.base.clock import DAY_MS
from ari.base.secrets_in_text import cut_secrets

MAX_QUOTED_LENGTH = 60
_CUT = "…"
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_DOT = re.compile(r"(?<!\s)([.。．｡])(?=\S)")
"""Dots that could be part of a host name, in any script; not the one that ends a sentence."""


def quote(text: str, length: int = MAX_QUOTED_LENGTH) -> str:
    """Text of a caller in quotation marks, with at most ``length`` characters."""
    return f"“{defang(text, length)}”"


def defang(text: str, length: int = MAX_QUOTED_LENGTH) -> str:
    """The text without secrets, invisible characters and anything that an email client could turn into a link."""
    seen = "".join(map(_printable, cut_secrets(text)))
    short = " ".join(seen.replace("“", '"').replace("”", '"').split())
    if len(short) > length:
        short = short[: length - 1].rstrip() + _CUT
    return _DOT.sub(r"[\1]", short).replace("://", "[:]//").replace("@", "[at]")


def _printable(letter: str) -> str:
    if category(letter) in _INVISIBLE:
        return " "
    return letter if letter.isprintable() or letter.isspace() else "\ufffd"  # newer than this Python's Unicode


def format_time(at_ms: int, zone: str) -> str:
    """Such as ``Nov 25, 2026, 7:20 PM CET (6:20 PM UTC)``, with the date in UTC where it differs."""
    universal = datetime.fromtimestamp(at_ms // 1000, UTC)
    local = universal.astimezone(ZoneInfo(zone))
    if local.tzname() == "UTC":
        return f"{_date(universal)}, {_time(universal)} UTC"
    shown = f"{_date(local)}, {_time(local)} {_zone_name(local, zone)}"
    date = "" if local.date() == universal.date() else f"{_date(universal)}, "
    return f"{shown} ({date}{_time(universal)} UTC)"


def _date(when: datetime) -> str:
    return f"{_MONTHS[when.month - 1]} {when.day}, {when.year}"


def _time(when: datetime) -> str:
    return f"{when.hour % 12 or 12}:{when:%M} {'AM' if when.hour < 12 else 'PM'}"


def _zone_name(local: datetime, zone: str) -> str:
    """The short name of the zone, such as ``CET``, or its full name where it has only an offset."""
    name = local.tzname() or zone
    return name if name.isalpha() else zone


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 call``, ``12,000 calls``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def join(texts: Iterable[object], limit: int = 5, show: Callable[[str], str] = defang) -> str:
    """The first few of several texts of callers."""
    shown = [show(str(text)) for text in texts]
    more = len(shown) - limit
    return ", ".join(shown[:limit]) + (f" and {more} more" if more > 0 else "")


def join_addresses(texts: Iterable[object], limit: int = 5) -> str:
    """The first few of several client addresses and networks; anything else is treated as text of a caller."""
    return join(texts, limit, _show_address)


def _show_address(text: str) -> str:
    try:
        return str(ip_network(text)) if "/" in text else str(ip_address(text))
    except ValueError:
        return defang(text)


def days_between(earlier_ms: int, later_ms: int) -> int:
    """Whole days from one instant to another."""
    return max(0, later_ms - earlier_ms) // DAY_MS
