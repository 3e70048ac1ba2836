"""The fields of the form for limits and credits, in the syntax of the command line."""

from typing import Any

from ari.base.errors import Invalid, Problem
from ari.keys import UNSET, KeyChange
from ari.keys.limits.fields import format_window, parse_limit_text, parse_refill_text
from ari.keys.model import ApiKey
from ari.web.forms import Form

FIELDS = ("limits", "balance", "refill", "hour", "time_zone", "remove")
_MAX_DIGITS = 19


def form_of_key(key: ApiKey) -> Form:
    """The key's limits, one per line, and its refill; the balance is left empty, which keeps it."""
    rules = key.policy.limits
    lines = [f"{limit.name}={limit.limit}/{format_window(limit.window_ms)}" for limit in rules.limits]
    values = {"limits": "\n".join(lines), "hour": "0", "time_zone": "UTC"}
    refill = None if rules.credits is None else rules.credits.refill
    if refill is not None:
        values |= {"refill": f"{refill.amount}/{refill.every}", "hour": str(refill.hour), "time_zone": refill.time_zone}
    return Form(values)


def read_change(form: Form, key: ApiKey) -> KeyChange:
    """The change that the form asks for. Raises ``Invalid``."""
    limits = [parse_limit_text(line.strip()) for line in form.value("limits").splitlines() if line.strip()]
    if form.value("remove") == "yes":
        return KeyChange(limits=limits, credits=None)
    given: dict[str, Any] = {}
    if form.value("balance").strip():
        given["amount"] = read_amount(form.value("balance"), "balance")
    if form.value("refill").strip():
        place = {"hour": read_amount(form.value("hour", "0"), "hour"), "time_zone": form.value("time_zone", "UTC")}
        given["refill"] = parse_refill_text(form.value("refill").strip()) | place
    elif given or key.policy.limits.credits is not None:
        given["refill"] = None
    return KeyChange(limits=limits, credits=given or UNSET)


def read_amount(text: str, field: str) -> int:
    """A whole number. Raises ``Invalid``."""
    stripped = text.strip()
    if not (stripped.isascii() and stripped.isdecimal() and len(stripped) <= _MAX_DIGITS):
        raise Invalid(Problem(field, "Enter a whole number."))
    return int(stripped)


def locate_problems(problems: tuple[Problem, ...]) -> list[Problem]:
    """The problems at the form's fields: those of single limits at the list, those of credits at theirs."""
    fields = {"credits.amount": "balance", "credits.refill.hour": "hour", "credits.refill.time_zone": "time_zone"}
    found = []
    for problem in problems:
        kind, _, rest = problem.location.partition(".")
        if kind == "limits" and rest:
            number, _, field = rest.partition(".")
            found.append(Problem("limits", f"Limit {int(number) + 1}, {field}: {problem.message}"))
        else:
            default = "refill" if kind == "credits" else problem.location
            found.append(Problem(fields.get(problem.location, default), problem.message))
    return found
