"""``ari kinds``: list, add, change and remove kinds of keys. The rules are in ``ari.keys``, as for every door."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import typer

from ari.base.problems import Problems
from ari.cli import output
from ari.cli.budget_use import write_rule
from ari.cli.command_app import CommandApp
from ari.cli.key_budgets import NewBudgets
from ari.cli.key_limits import (
    KeptBalance,
    KeptRefillHour,
    KeptTimeZone,
    NewBalance,
    NoCredits,
    RateLimits,
    Refill,
    RefillHour,
    TimeZone,
)
from ari.cli.model_args import AllowModels, DenyModels, describe_models
from ari.cli.options import AsJson, DataDir, EnvironmentName, Expires, Scopes, Yes
from ari.cli.rule_args import ChosenRules, choose_rules, keep_present
from ari.cli.targets import open_target
from ari.cli.time_args import one_of, whole_number
from ari.cli.unpriced_models import warn_about_unpriced
from ari.keys import KindChange
from ari.keys.kinds import LEAK_ACTIONS
from ari.keys.limits.fields import parse_limits, write_limit_text

KindName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the kind, e.g. acme-live.", show_default=False)]
Prefix = Annotated[
    str, typer.Argument(metavar="PREFIX", help="What its keys begin with, e.g. acme_live_.", show_default=False)
]
Description = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", help="What the kind is for.", show_default=False)
]
MaxDays = Annotated[
    int | None,
    typer.Option(
        "--max-days",
        metavar="DAYS",
        parser=whole_number(0),
        help="Maximum lifetime of a key in days; 0 = no limit.",
        show_default=False,
    ),
]
LeakPolicy = Annotated[
    str | None,
    typer.Option(
        "--leak-action",
        metavar="|".join(LEAK_ACTIONS),
        parser=one_of(*LEAK_ACTIONS),
        help="What happens to a key that is reported as leaked.",
        show_default=False,
    ),
]

app = CommandApp(no_args_is_help=True)


@app.command("list")
def list_(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List kinds of keys."""
    with open_target(data_dir) as target:
        found = target.kinds.list_all()
    if as_json:
        output.as_json({"items": found, "next_cursor": None})
        return
    headers = ("KIND", "PREFIX", "KEYS", "EXPIRES", "MAX DAYS", "SCOPES", "ENVIRONMENT", "LEAKED", "LIMITS", "CREDITS")
    more = ("BUDGETS", "MODELS", "DESCRIPTION")
    empty = "No kinds yet; keys begin with ari_k_. Add one: ari kinds add acme-live acme_live_"
    output.table((*headers, *more), map(_row, found), empty, droppable=6)


@app.command()
def add(
    name: KindName,
    prefix: Prefix,
    description: Description = None,
    expires: Expires = None,
    max_days: MaxDays = None,
    scope: Scopes = None,
    environment: EnvironmentName = None,
    leak_action: LeakPolicy = None,
    limit: RateLimits = None,
    balance: NewBalance = None,
    refill: Refill = None,
    refill_hour: RefillHour = 0,
    time_zone: TimeZone = "UTC",
    budget: NewBudgets = None,
    allow_model: AllowModels = None,
    deny_model: DenyModels = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Add a kind of keys.

    The options are defaults of its new keys: expiry, scopes, environment, limits, credits, budgets and AI models.
    """
    problems = Problems()
    rules = choose_rules(problems, limit, balance, refill, refill_hour, time_zone, budget, allow_model, deny_model)
    wanted = _change_of(rules, description, expires, max_days, scope, environment, leak_action)
    with open_target(data_dir) as target:
        added = target.kinds.add(name, prefix, wanted, problems.found)
        _show(added, "Added", as_json)
        warn_about_unpriced(target, added["budgets"] if budget else None)


@app.command()
def change(
    name: KindName,
    description: Description = None,
    expires: Expires = None,
    max_days: MaxDays = None,
    scope: Scopes = None,
    environment: EnvironmentName = None,
    leak_action: LeakPolicy = None,
    limit: RateLimits = None,
    balance: KeptBalance = None,
    refill: Refill = None,
    refill_hour: KeptRefillHour = None,
    time_zone: KeptTimeZone = None,
    no_credits: NoCredits = False,
    budget: NewBudgets = None,
    allow_model: AllowModels = None,
    deny_model: DenyModels = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Change a kind's description and the defaults of its new keys, budgets and AI models included.

    Existing keys aren't changed. --max-days 0 removes the maximum, --limit "" the rate limits, --no-credits the
    credits, --budget "" the budgets and --allow-model "" the rules for models.
    """
    problems = Problems()
    rules = choose_rules(
        problems, limit, balance, refill, refill_hour, time_zone, budget, allow_model, deny_model, no_credits=no_credits
    )
    wanted = _change_of(rules, description, expires, max_days, scope, environment, leak_action)
    if wanted == KindChange() and not problems.found:
        raise typer.BadParameter("pass at least one option.")
    with open_target(data_dir) as target:
        kept = keep_present(rules, lambda: target.kinds.get(name))
        wanted = replace(wanted, credits=kept.credits, budgets=kept.budgets)
        changed = target.kinds.change(name, wanted, problems.found)
        _show(changed, "Changed", as_json)
        warn_about_unpriced(target, changed["budgets"] if budget else None)


@app.command()
def remove(name: KindName, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Remove a kind without keys (asks first)."""
    with open_target(data_dir) as target:
        kind = target.kinds.get(name)
        output.confirm(f"Remove the kind {kind['name']} ({kind['prefix']})?", yes=yes)
        target.kinds.remove(name)
    output.say(f"Removed {kind['name']}.")


def _change_of(
    rules: ChosenRules,
    description: str | None,
    expires: str | None,
    max_days: int | None,
    scope: list[str] | None,
    environment: str | None,
    leak_action: str | None,
) -> KindChange:
    given: dict[str, Any] = {
        "description": description,
        "expires": expires,
        "scopes": tuple(scope) if scope else None,
        "environment": environment,
        "leak_action": leak_action,
    }
    wanted = {name: value for name, value in given.items() if value is not None}
    if max_days is not None:
        wanted["max_lifetime_days"] = max_days or None
    return KindChange(**wanted, **rules._asdict())


def _show(facts: Mapping[str, Any], done: str, as_json: bool) -> None:
    if as_json:
        output.as_json(dict(facts))
        return
    name = facts["name"]
    output.say(f'{done} {name}. Use it: ari keys create "My client" --kind {name}')


def _row(facts: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        facts["name"],
        facts["prefix"],
        facts["key_count"],
        facts["expires"] or "never",
        facts["max_lifetime_days"] or "",
        " ".join(facts["scopes"] or ()),
        facts["environment"] or "",
        facts["leak_action"] or "",
        " ".join(map(_limit_text, facts["limits"] or ())),
        _credits_text(facts["credits"]),
        " ".join(map(write_rule, facts["budgets"] or ())),
        "" if facts["models"] is None else describe_models(facts["models"]),
        facts["description"],
    )


def _credits_text(facts: Mapping[str, Any] | None) -> str:
    if facts is None:
        return ""
    refill = facts["refill"]
    return f"{facts['amount']}" if refill is None else f"{facts['amount']}, refill {refill['amount']}/{refill['every']}"


def _limit_text(facts: Mapping[str, Any]) -> str:
    (limit,) = parse_limits([facts])
    return write_limit_text(limit)
