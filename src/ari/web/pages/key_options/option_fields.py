"""Read the fields of a form about a key's options, and write a key's options into them."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from ari.base.errors import Invalid, Problem
from ari.keys.expiry import SUGGESTED_EXPIRY, check_expiry
from ari.keys.limits.fields import MAX_UNITS, describe_limit, parse_limit_text, parse_limits, parse_refill_text
from ari.keys.model import ApiKey
from ari.keys.ownership import parse_metadata, parse_tags
from ari.keys.policy import parse_addresses
from ari.web import words
from ari.web.forms import Form

FIELDS = ("environment", "consumer", "tags", "addresses", "metadata")
LIMIT_FIELDS = ("limits", "credits", "refill")
"""Only a new key has them here; ``key_limits`` changes those of a key."""
_SEPARATORS = re.compile(r"[\s,]+")


def read_options(form: Form) -> dict[str, Any]:
    """The options, by the names that ``NewKey`` and ``KeyChange`` have. Raises ``Invalid`` with the problems of all
    fields."""
    given = {
        "environment": form.value("environment") or "live",
        "consumer": form.value("consumer").strip() or None,
    }
    return given | _read(form, _OPTIONS)


def read_all(form: Form, now_ms: int) -> dict[str, Any]:
    """The options, limits and expiry date of a new key. Raises ``Invalid`` with the problems of all fields."""
    problems, read = list[Problem](), dict[str, Any]()
    for parse in (read_options, _read_limit_fields, partial(_read_expiry_date, now_ms)):
        try:
            read |= parse(form)
        except Invalid as error:
            problems += place_problems(error.problems)
    if problems:
        raise Invalid(*problems)
    return read


def place_problems(problems: Sequence[Problem]) -> list[Problem]:
    """The problems at the fields of the form: all limits share one, and a credit's amount and refill have their own."""
    return [_place(problem) for problem in problems]


def write_options(key: ApiKey) -> dict[str, str]:
    """The values of the fields that show a key's options."""
    consumer = key.consumer
    return {
        "environment": key.environment,
        "consumer": "" if consumer is None else consumer.external_id or consumer.id,
        "tags": ", ".join(key.tags),
        "addresses": "\n".join(key.policy.addresses),
        "metadata": words.format_metadata(key.metadata),
    }


def write_limits(key: ApiKey) -> dict[str, str]:
    """The values of the fields for a new key with the same limits and credits."""
    rules = key.policy.limits
    refill = None if rules.credits is None else rules.credits.refill
    return {
        "limits": "\n".join(_write_limit(describe_limit(limit)) for limit in rules.limits),
        "credits": "" if rules.credits is None else str(min(rules.credits.granted, MAX_UNITS)),
        "refill": "" if refill is None else f"{refill.amount}/{refill.every}",
    }


def read_day(text: str, now_ms: int) -> int:
    """The end of this day in UTC. Raises ``Invalid`` for another text, or a day that has ended."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise Invalid(Problem("expires_at", "Choose a date.")) from None
    return check_expiry(int(day.timestamp() * 1000), now_ms)


def parse_metadata_text(text: str) -> dict[str, Any]:
    """A JSON object; nothing is the empty one. Raises ``Invalid`` for the field ``metadata``."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Invalid(Problem("metadata", 'Use a JSON object, such as {"plan": "pro"}.'))
    parse_metadata(value)
    return value


def is_plain(form: Form) -> bool:
    """Whether the form has nothing to show among the options: neither a value nor a problem."""
    given = any(form.value(name) not in ("", "live") for name in (*FIELDS, *LIMIT_FIELDS, "day"))
    return not given and not any(form.problem(name) for name in (*FIELDS, *LIMIT_FIELDS, "expires_at"))


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in _SEPARATORS.split(text) if part)


def _read_tags(text: str) -> tuple[str, ...]:
    return parse_tags(_split(text))


def _read_addresses(text: str) -> tuple[str, ...]:
    return parse_addresses(_split(text))


def _read_limits(text: str) -> list[dict[str, Any]]:
    given = [parse_limit_text(line.replace(" ", "")) for line in text.splitlines() if line.strip()]
    parse_limits(given)
    return given


def _read_credits(text: str) -> dict[str, Any] | None:
    if not text.strip():
        return None
    if not (text.strip().isascii() and text.strip().isdecimal() and len(text.strip()) < 20):
        raise Invalid(Problem("credits", "Use a whole number from 0 to 1000000000000."))
    return {"amount": int(text)}


def _read_refill(text: str) -> dict[str, Any] | None:
    return parse_refill_text(text.replace(" ", "").strip()) if text.strip() else None


_OPTIONS: Mapping[str, Callable[[str], Any]] = {
    "tags": _read_tags,
    "addresses": _read_addresses,
    "metadata": parse_metadata_text,
}
_LIMITS: Mapping[str, Callable[[str], Any]] = {
    "limits": _read_limits,
    "credits": _read_credits,
    "refill": _read_refill,
}


def _read(form: Form, parsers: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    read, problems = dict[str, Any](), list[Problem]()
    for name, parse in parsers.items():
        try:
            read[name] = parse(form.value(name))
        except Invalid as error:
            problems += error.problems
    if problems:
        raise Invalid(*problems)
    refill = read.pop("refill", None)
    if refill is not None:
        if read["credits"] is None:
            raise Invalid(Problem("credits", "Enter the credits that the key starts with."))
        read["credits"]["refill"] = refill
    return read


def _read_limit_fields(form: Form) -> dict[str, Any]:
    return _read(form, _LIMITS)


def _read_expiry_date(now_ms: int, form: Form) -> dict[str, Any]:
    """A date beats the choice above it."""
    if form.value("day"):
        return {"expires_at_ms": read_day(form.value("day"), now_ms)}
    return {"expires": form.value("expires", SUGGESTED_EXPIRY)}


def _place(problem: Problem) -> Problem:
    head, _, rest = problem.location.partition(".")
    if head == "limits" and rest:
        line = int(rest.partition(".")[0]) + 1
        return Problem("limits", f"Line {line}: {problem.message}")
    if head == "credits":
        return Problem("refill" if rest.startswith("refill") else "credits", problem.message)
    return problem


def _write_limit(limit: dict[str, Any]) -> str:
    name = "" if limit["name"] == "default" else f"{limit['name']}="
    return f"{name}{limit['limit']}/{limit['window']}"
