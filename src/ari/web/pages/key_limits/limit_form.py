"""The fields of forms for limits and credits, of keys and consumers, in the syntax of the command line."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ari.base.errors import Invalid, Problem
from ari.keys import UNSET
from ari.keys.limits.fields import (
    MAX_UNITS,
    parse_credits,
    parse_limit_text,
    parse_limits,
    parse_refill_text,
    write_limit_text,
)
from ari.keys.limits.rules import LimitRules
from ari.web.forms import Form, read_whole_number

T = TypeVar("T")
LIMIT_FIELDS = ("limits", "credits", "refill", "hour", "time_zone")
REFILL_PLACE = {"hour": "0", "time_zone": "UTC"}
"""The values that the fields of a refill's time begin with."""
_CREDIT_FIELDS = {"hour": "hour", "time_zone": "time_zone"}


def write_limits(rules: LimitRules, *, with_balance: bool) -> dict[str, str]:
    """The values of the fields that show these rules. Without the balance, saving the form keeps it."""
    refill = None if rules.credits is None else rules.credits.refill
    values = {"limits": "\n".join(map(write_limit_text, rules.limits))} | REFILL_PLACE
    if with_balance and rules.credits is not None:
        values["credits"] = str(min(rules.credits.granted, MAX_UNITS))
    if refill is not None:
        values |= {"refill": f"{refill.amount}/{refill.every}", "hour": str(refill.hour), "time_zone": refill.time_zone}
    return values


def read_new_limits(form: Form) -> dict[str, Any]:
    """The limits and credits of a new key or consumer, as ``NewKey`` and ``NewConsumer`` take them.

    Raises ``Invalid`` with the problems of all fields.
    """
    limits, given = _read(form, has_credits=False)
    return {"limits": limits, "credits": given or None}


def read_limit_change(form: Form, before: LimitRules) -> dict[str, Any]:
    """The change, as ``KeyChange`` and ``ConsumerChange`` take it. No balance keeps it, no refill removes it.

    Raises ``Invalid`` with the problems of all fields.
    """
    if form.value("remove") == "yes":
        kept = form.with_values({"credits": "", "refill": ""})
        return {"limits": _read(kept, has_credits=True)[0], "credits": None}
    limits, given = _read(form, has_credits=before.credits is not None)
    if given or before.credits is not None:
        given.setdefault("refill", None)
    return {"limits": limits, "credits": given or UNSET}


def has_limits(form: Form) -> bool:
    """Whether the fields, with that of budgets, have something to show: a value, or a problem."""
    fields = (*LIMIT_FIELDS, "budgets")
    given = any(form.value(name).strip() for name in fields if name not in REFILL_PLACE)
    return given or any(form.problem(name) for name in fields)


def place_limit_problems(problems: Sequence[Problem]) -> list[Problem]:
    """The problems at the form's fields: those of single limits at the list, those of credits at theirs."""
    return [_place(problem) for problem in problems]


def _read(form: Form, *, has_credits: bool) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The limits, and those fields of credits that are given."""
    problems = list[Problem]()
    limits = _collect(problems, _read_lines, form.value("limits")) or []
    given: dict[str, Any] = {}
    if form.value("credits").strip():
        given["amount"] = _collect(problems, read_whole_number, form.value("credits"), "credits")
    if form.value("refill").strip():
        given["refill"] = _collect(problems, _read_refill, form)
    if not problems and given:
        if "amount" not in given and not has_credits:
            problems.append(Problem("credits", "Enter the credits to start with."))
        _collect(problems, parse_credits, {"amount": 0} | given, 0)
    if problems:
        raise Invalid(*place_limit_problems(problems))
    return limits, given


def _collect(problems: list[Problem], read: Callable[..., T], *given: object) -> T | None:
    try:
        return read(*given)
    except Invalid as error:
        problems += error.problems
        return None


def _read_lines(text: str) -> list[dict[str, Any]]:
    lines = [line for line in (line.replace(" ", "").strip() for line in text.splitlines()) if line]
    given, problems = list[dict[str, Any]](), list[Problem]()
    for number, line in enumerate(lines):
        try:
            given.append(parse_limit_text(line))
        except Invalid as error:
            problems.append(Problem(f"limits.{number}", error.problems[0].message))
    if problems:
        raise Invalid(*problems)
    parse_limits(given)
    return given


def _read_refill(form: Form) -> dict[str, Any]:
    problems = list[Problem]()
    hour_text = form.value("hour").strip() or REFILL_PLACE["hour"]
    refill = _collect(problems, parse_refill_text, form.value("refill").replace(" ", "").strip())
    hour = _collect(problems, read_whole_number, hour_text, "hour")
    if problems or refill is None:
        raise Invalid(*problems)
    return refill | {"hour": hour, "time_zone": form.value("time_zone").strip() or REFILL_PLACE["time_zone"]}


def _place(problem: Problem) -> Problem:
    head, _, rest = problem.location.partition(".")
    if head == "limits" and rest:
        return Problem("limits", f"Limit {int(rest.partition('.')[0]) + 1}: {problem.message}")
    if head == "credits" and rest:
        field = rest.rpartition(".")[2]
        return Problem(_CREDIT_FIELDS.get(field, "refill" if rest.startswith("refill") else "credits"), problem.message)
    return problem
