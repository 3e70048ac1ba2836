"""The fields of forms for budgets, of keys and consumers, in the syntax of the command line."""

from collections.abc import Sequence
from typing import Any

from ari.base.errors import Invalid, Problem
from ari.keys.limits.budget_fields import parse_budget_text, parse_budgets, write_budget_text
from ari.keys.limits.rules import Budget, LimitRules
from ari.web.forms import Form, read_whole_number


def write_budgets(rules: LimitRules) -> dict[str, str]:
    """The value of the field that shows these budgets: one on each line."""
    return {"budgets": "\n".join(map(write_line, rules.budgets))}


def write_line(budget: Budget) -> str:
    """``monthly=25.00usd/month Europe/Berlin``; the time zone is left out if it is UTC."""
    zone = "" if budget.time_zone == "UTC" else f" {budget.time_zone}"
    return write_budget_text(budget) + zone


def read_budgets(form: Form) -> list[dict[str, Any]]:
    """The budgets, as ``KeyChange`` and ``ConsumerChange`` take them. Raises ``Invalid`` with all problems."""
    given, problems = list[dict[str, Any]](), list[Problem]()
    for number, line in enumerate(line for line in form.value("budgets").splitlines() if line.strip()):
        text, *zone = line.split(maxsplit=1)
        try:
            given.append(parse_budget_text(text) | {"time_zone": zone[0].strip() if zone else "UTC"})
        except Invalid as error:
            problems.append(Problem(f"budgets.{number}", error.problems[0].message))
    if problems:
        raise Invalid(*problems)
    parse_budgets(given)
    return given


def read_increase(form: Form, rules: LimitRules) -> tuple[str, dict[str, Any]]:
    """The name of the budget to increase, and the amount in its unit. Raises ``Invalid``."""
    budget = next((one for one in rules.budgets if one.name == form.value("budget")), None)
    if budget is None:
        raise Invalid(Problem("budget", "Choose a budget."))
    if budget.unit == "tokens":
        return budget.name, {"amount_tokens": read_whole_number(form.value("amount"), "amount")}
    return budget.name, {"amount_usd": form.value("amount").strip()}


def place_budget_problems(problems: Sequence[Problem]) -> list[Problem]:
    """The problems at the form's fields: those of single budgets at the list, those of an increase at its amount."""
    return [_place(problem) for problem in problems]


def _place(problem: Problem) -> Problem:
    head, _, rest = problem.location.partition(".")
    if head == "budgets" and rest:
        return Problem("budgets", f"Budget {int(rest.partition('.')[0]) + 1}: {problem.message}")
    return Problem("amount", problem.message) if head in ("amount_usd", "amount_tokens") else problem
