"""Read the fields of a form about a key's options, and write a key's options into them."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ari.base.errors import Invalid, Problem
from ari.base.problems import Problems
from ari.keys.expiry import SUGGESTED_EXPIRY, check_expiry
from ari.keys.model import ApiKey
from ari.keys.model_rules import ModelRules, describe_optional_model_rules, parse_model_rules
from ari.keys.ownership import parse_metadata, parse_tags
from ari.keys.policy import parse_addresses
from ari.web import words
from ari.web.forms import Form
from ari.web.pages.key_limits.budget_form import read_budgets
from ari.web.pages.key_limits.limit_form import has_limits, read_new_limits

MODEL_FIELDS = ("models", "denied_models")
FIELDS = ("environment", "consumer", "tags", "addresses", *MODEL_FIELDS, "metadata")
_SEPARATORS = re.compile(r"[\s,]+")


def read_options(form: Form, problems: Problems) -> dict[str, Any]:
    """The options, by the names that ``NewKey`` and ``KeyChange`` have; those with a problem are left out."""
    given: dict[str, Any] = {
        "environment": form.value("environment") or "live",
        "consumer": form.value("consumer").strip() or None,
    }
    for name, parse in _OPTIONS.items():
        given |= problems.check({}, _read_option, form, name, parse)
    return given | problems.check({}, read_models, form)


def read_all(form: Form, now_ms: int, problems: Problems) -> dict[str, Any]:
    """The options, limits, budgets and expiry date of a new key; those with a problem are left out."""
    read = read_options(form, problems) | problems.check({}, read_new_limits, form)
    read["budgets"] = problems.check([], read_budgets, form)
    return read | problems.check({}, _read_expiry_date, form, now_ms)


def write_options(key: ApiKey) -> dict[str, str]:
    """The values of the fields that show a key's options."""
    consumer = key.consumer
    return {
        "environment": key.environment,
        "consumer": "" if consumer is None else consumer.external_id or consumer.id,
        "tags": ", ".join(key.tags),
        "addresses": "\n".join(key.policy.addresses),
        **write_models(key.policy.models),
        "metadata": words.format_metadata(key.metadata),
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


def read_models(form: Form) -> dict[str, Any]:
    """The models of a form, one on each line. Raises ``Invalid`` for the field ``models``."""
    given = {"allow": _split_lines(form.value("models")), "deny": _split_lines(form.value("denied_models"))}
    return {"models": describe_optional_model_rules(parse_model_rules(given))}


def write_models(rules: ModelRules) -> dict[str, str]:
    """The values of the fields that show allowed and denied models."""
    return {"models": "\n".join(rules.allow), "denied_models": "\n".join(rules.deny)}


def is_plain(form: Form) -> bool:
    """Whether the form has nothing to show among the options: neither a value nor a problem."""
    given = any(form.value(name) not in ("", "live") for name in (*FIELDS, "day"))
    return not (given or has_limits(form) or any(form.problem(name) for name in (*FIELDS, "expires_at")))


def _read_option(form: Form, name: str, parse: Callable[[str], Any]) -> dict[str, Any]:
    return {name: parse(form.value(name))}


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in _SEPARATORS.split(text) if part)


def _split_lines(text: str) -> tuple[str, ...]:
    return tuple(line for part in re.split(r"[\n,]", text) if (line := part.strip()))


def _read_tags(text: str) -> tuple[str, ...]:
    return parse_tags(_split(text))


def _read_addresses(text: str) -> tuple[str, ...]:
    return parse_addresses(_split(text))


_OPTIONS: Mapping[str, Callable[[str], Any]] = {
    "tags": _read_tags,
    "addresses": _read_addresses,
    "metadata": parse_metadata_text,
}


def _read_expiry_date(form: Form, now_ms: int) -> dict[str, Any]:
    """A date beats the choice above it."""
    if form.value("day"):
        return {"expires_at_ms": read_day(form.value("day"), now_ms)}
    return {"expires": form.value("expires", SUGGESTED_EXPIRY)}
