"""Limits and credits as people write them: checked, with a problem for each field that is wrong."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal
from zoneinfo import available_timezones

from ari.base.errors import Invalid, Problem
from ari.keys.limits.rules import CREDITS, Credits, Limit, Refill

MAX_LIMITS = 10
MAX_NAME_LENGTH = 40
MAX_UNITS = 10**12
DEFAULT_NAME = "default"
LIMIT_FIELDS = ("name", "limit", "window")
MAX_WINDOW_MS = 31 * 86_400_000

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_WINDOW = re.compile(r"([1-9][0-9]{0,8})([smhd])", re.ASCII)
_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_UNIT_WORDS = {"s": "second", "m": "minute", "h": "hour", "d": "day"}
_PERIODS: tuple[Literal["day"], Literal["month"]] = ("day", "month")
_UNITS_SENTENCE = "Use a whole number from 1 to 1000000000000."


def parse_limits(given: Sequence[Mapping[str, Any]]) -> tuple[Limit, ...]:
    """The limits in their order; a name that is missing is ``default``. Raises ``Invalid`` with all problems."""
    if len(given) > MAX_LIMITS:
        raise Invalid(Problem("limits", f"Use at most {MAX_LIMITS} limits."))
    limits, problems = list[Limit](), list[Problem]()
    for number, one in enumerate(given):
        found = [
            *check_name(one.get("name", DEFAULT_NAME), [limit.name for limit in limits], "limit"),
            *_check_units("limit", one.get("limit")),
            *check_window(one.get("window")),
        ]
        problems += [Problem(f"limits.{number}.{field}", sentence) for field, sentence in found]
        if not found:
            limits.append(Limit(one.get("name", DEFAULT_NAME), one["limit"], parse_window(one["window"])))
    if problems:
        raise Invalid(*problems)
    return tuple(limits)


def parse_credits(given: Mapping[str, Any], now_ms: int) -> Credits:
    """New credits: ``amount`` and, if it is given, ``refill``. Raises ``Invalid`` with all problems."""
    amount, refill = given.get("amount"), given.get("refill")
    problems = []
    if type(amount) is not int or not 0 <= amount <= MAX_UNITS:
        problems.append(Problem("credits.amount", "Use a whole number from 0 to 1000000000000."))
    if refill is not None:
        problems += [Problem(f"credits.refill.{field}", sentence) for field, sentence in _check_refill(refill)]
    if problems:
        raise Invalid(*problems)
    assert isinstance(amount, int)
    return Credits(amount, None if refill is None else _make_refill(refill, now_ms))


def parse_window(text: str) -> int:
    """The milliseconds of ``30s``, ``1m``, ``12h`` or ``7d``, from one second to 31 days. Raises ``ValueError``."""
    found = _WINDOW.fullmatch(text)
    window_ms = int(found[1]) * _UNITS_MS[found[2]] if found else 0
    if not 0 < window_ms <= MAX_WINDOW_MS:
        raise ValueError("not a window")
    return window_ms


def format_window(window_ms: int) -> str:
    """The window in the largest unit that gives a whole number."""
    unit = next(unit for unit in reversed(_UNITS_MS) if window_ms % _UNITS_MS[unit] == 0)
    return f"{window_ms // _UNITS_MS[unit]}{unit}"


def window_in_words(window_ms: int) -> str:
    """The window after *per*: ``minute``, ``30 seconds``, ``7 days``."""
    text = format_window(window_ms)
    number, unit = text[:-1], _UNIT_WORDS[text[-1]]
    return unit if number == "1" else f"{number} {unit}s"


def describe_rate(limit: Limit) -> str:
    """``1 request per day``, ``1,000 requests per 7 days``."""
    plural = "" if limit.limit == 1 else "s"
    return f"{limit.limit:,} request{plural} per {window_in_words(limit.window_ms)}"


def describe_named_limit(limit: Limit) -> str:
    """``daily: 5,000 requests per day``, without the name of the only one."""
    name = "" if limit.name == DEFAULT_NAME else f"{limit.name}: "
    return name + describe_rate(limit)


def parse_limit_text(text: str) -> dict[str, Any]:
    """The fields of ``100/1m`` or ``name=100/1m``, as ``parse_limits`` takes them. Raises ``Invalid``."""
    name, equals, rest = text.rpartition("=")
    limit, slash, window = rest.partition("/")
    if not (slash and limit.isascii() and limit.isdecimal() and len(limit) < 20 and bool(name) == bool(equals)):
        raise Invalid(Problem("limits", "Use a limit such as 100/1m, or name=100/1m."))
    return {"name": name or DEFAULT_NAME, "limit": int(limit), "window": window}


def write_limit_text(limit: Limit) -> str:
    """The limit as ``parse_limit_text`` reads it."""
    name = "" if limit.name == DEFAULT_NAME else f"{limit.name}="
    return f"{name}{limit.limit}/{format_window(limit.window_ms)}"


def parse_refill_text(text: str) -> dict[str, Any]:
    """The fields of ``1000/day`` or ``1000/month``, as ``parse_credits`` takes them. Raises ``Invalid``."""
    amount, _, every = text.partition("/")
    if not (amount.isascii() and amount.isdecimal() and len(amount) < 20 and every in _PERIODS):
        raise Invalid(Problem("credits.refill", "Use a refill such as 1000/day or 1000/month."))
    return {"amount": int(amount), "every": every}


def describe_credits(granted: Credits) -> dict[str, Any]:
    """The credits as callers see them: ``granted`` in all since they were set, with every top-up."""
    refill = granted.refill
    return {"granted": granted.granted, "refill": None if refill is None else describe_refill(refill)}


def describe_limit(limit: Limit) -> dict[str, Any]:
    """The limit as callers write it."""
    return {"name": limit.name, "limit": limit.limit, "window": format_window(limit.window_ms)}


def describe_refill(refill: Refill) -> dict[str, Any]:
    """The refill as callers write it."""
    return {"amount": refill.amount, "every": refill.every, "hour": refill.hour, "time_zone": refill.time_zone}


def check_name(name: Any, taken: Sequence[str], noun: str) -> list[tuple[str, str]]:
    """The field ``name`` and a sentence, if it can't be the name of a limit or budget; ``noun`` says which."""
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        rule = f"Use up to {MAX_NAME_LENGTH} lowercase letters, digits, - and _, starting with a letter or digit."
        return [("name", rule)]
    if name == CREDITS:
        return [("name", "This name is reserved for credits.")]
    return [("name", f"Another {noun} has this name. Give each a name of its own.")] if name in taken else []


def check_window(window: Any) -> list[tuple[str, str]]:
    """The field ``window`` and a sentence, if it isn't a valid window."""
    try:
        parse_window(window if isinstance(window, str) else "")
    except ValueError:
        return [("window", "Use a window from 1s to 31d, such as 30s, 1m, 12h or 7d.")]
    return []


def is_time_zone(name: Any) -> bool:
    """Whether this is the name of a time zone."""
    return isinstance(name, str) and name in _list_time_zones()


def _check_units(field: str, units: Any) -> list[tuple[str, str]]:
    is_valid = type(units) is int and 1 <= units <= MAX_UNITS
    return [] if is_valid else [(field, _UNITS_SENTENCE)]


def _check_refill(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    hour = given.get("hour", 0)
    found = _check_units("amount", given.get("amount"))
    if given.get("every") not in _PERIODS:
        found.append(("every", "Choose day or month."))
    if type(hour) is not int or not 0 <= hour <= 23:
        found.append(("hour", "Use an hour from 0 to 23."))
    if not is_time_zone(given.get("time_zone", "UTC")):
        found.append(("time_zone", "Use a time zone such as UTC or Europe/Berlin."))
    return found


@cache
def _list_time_zones() -> frozenset[str]:
    """Cached: 20 ms. ``localtime`` differs from machine to machine."""
    return frozenset(available_timezones() - {"localtime"})


def _make_refill(given: Mapping[str, Any], now_ms: int) -> Refill:
    return Refill(given["amount"], given["every"], given.get("hour", 0), given.get("time_zone", "UTC"), now_ms)
