"""Words that many notices share. What callers wrote is quoted, short, and can be no address (security.md 40)."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from zoneinfo import ZoneInfo

from ari.base.characters import category
from ari.base.clock import DAY_MS, from_rfc3339
from ari.base.events import Event
from ari.base.secrets_in_text import cut_secrets
from ari.notifications.model import Context

QUOTED_LENGTH = 60
_CUT = "…"
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_DOT = re.compile(r"(?<=\S)([.。．｡])(?=\S)")
"""Dots that could stand in an address, those of other scripts too; that which ends a sentence stays."""

Fact = tuple[str, str]


def quoted(text: str, length: int = QUOTED_LENGTH) -> str:
    """What a caller wrote, in quotation marks, with at most ``length`` characters."""
    return f"“{broken(text, length)}”"


def broken(text: str, length: int = QUOTED_LENGTH) -> str:
    """The text without anything that a mail program could make a link of, or that cannot be seen."""
    seen = "".join(map(_printable, cut_secrets(text)))
    short = " ".join(seen.replace("“", '"').replace("”", '"').split())
    if len(short) > length:
        short = short[: length - 1].rstrip() + _CUT
    return _DOT.sub(r"[\1]", short).replace("://", "[:]//").replace("@", "[at]")


def _printable(letter: str) -> str:
    if category(letter) in _INVISIBLE:
        return " "
    return letter if letter.isprintable() or letter.isspace() else "\ufffd"  # newer than this Python's Unicode


def moment(at_ms: int, zone: str) -> str:
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


def key_name(event: Event, look: Context) -> str:
    """The name of the key that the event is about, quoted."""
    found = look.named(event.subject)
    name = event.detail.get("name") or (found.name if found else None)
    return quoted(str(name or event.subject or "unknown"))


def key_fact(event: Event, look: Context) -> Fact:
    """The key by name and hint."""
    found = look.named(event.subject)
    hint = event.detail.get("hint") or (found.hint if found else None)
    name = key_name(event, look)
    return ("API key", f"{name} · {broken(str(hint))}" if hint else name)


def common_facts(event: Event, look: Context) -> tuple[Fact, ...]:
    """When, by whom, and from where if that is known."""
    facts = [("When", look.when(event.at_ms)), ("By", look.who(event))]
    where = look.where(event)
    return (*facts, ("From", where)) if where else tuple(facts)


def told_time(value: object, look: Context, never: str = "never") -> str:
    """An instant from an event's detail: RFC 3339, or milliseconds."""
    if isinstance(value, int):
        return look.when(value)
    try:
        return look.when(from_rfc3339(str(value)))
    except ValueError:
        return never


def told_ms(value: object) -> int | None:
    """The same as milliseconds, if it is an instant."""
    if isinstance(value, int):
        return value
    try:
        return from_rfc3339(str(value))
    except ValueError:
        return None


def listed(texts: Iterable[object], most: int = 5, shown_as: Callable[[str], str] = broken) -> str:
    """Short texts of callers after each other, the first few."""
    shown = [shown_as(str(text)) for text in texts]
    more = len(shown) - most
    return ", ".join(shown[:most]) + (f" and {more} more" if more > 0 else "")


def addresses(texts: Iterable[object], most: int = 5) -> str:
    """Client addresses and networks; whatever is none is broken as all text of callers."""
    return listed(texts, most, _address)


def _address(text: str) -> str:
    try:
        return str(ip_network(text)) if "/" in text else str(ip_address(text))
    except ValueError:
        return broken(text)


def call_facts(event: Event, look: Context) -> tuple[Fact, ...]:
    """How many calls were refused, since when and from where, as far as the event tells."""
    detail, facts = event.detail, list[Fact]()
    if "count" in detail:
        facts.append(("Requests", count(int(detail["count"]), "refused request")))
    if "since" in detail:
        facts.append(("Since", told_time(detail["since"], look)))
    if detail.get("addresses"):
        facts.append(("From", addresses(detail["addresses"])))
    return tuple(facts)


def key_place(event: Event) -> str:
    """The key's page, or the table of keys."""
    return f"/settings/keys/{event.subject}" if event.subject else "/settings?tab=api"


def days_between(earlier_ms: int, later_ms: int) -> int:
    """Whole days from one instant to another."""
    return max(0, later_ms - earlier_ms) // DAY_MS
