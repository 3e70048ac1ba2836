"""``ari budgets``: the budgets of the instance and of its providers."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from ari.base.clock import from_rfc3339
from ari.cli import output
from ari.cli.budget_use import show_uses, write_amount, write_increases, write_rule
from ari.cli.command_app import CommandApp
from ari.cli.completion import offer
from ari.cli.key_budgets import (
    Amount,
    BudgetName,
    BudgetNames,
    KeptTimeZone,
    NewBudgets,
    choose_budget_name,
    confirm_reset,
    keep_time_zones,
    make_budgets,
)
from ari.cli.options import AsJson, DataDir, Yes
from ari.cli.targets import open_target
from ari.cli.unpriced_models import warn_about_unpriced
from ari.keys.limits.budget_fields import parse_amount_text
from ari.keys.limits.charge import INSTANCE_PREFIX, PROVIDER_PREFIX

Provider = Annotated[
    str | None,
    typer.Option(
        "--provider",
        metavar="NAME",
        help="Provider or named upstream (default: the instance).",
        show_default=False,
        autocompletion=offer("upstreams"),
    ),
]
_HEADERS = ("FOR", "BUDGET", "INCREASED", "USED", "REMAINING", "UNTIL", "TIME ZONE")
_EMPTY = "No budgets yet. Add one for all requests: ari budgets set --budget monthly=500usd/month"

app = CommandApp(no_args_is_help=True)


@app.command("list")
def list_(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the budgets of the instance and of its providers: one-time increases, what is used and what remains."""
    with open_target(data_dir) as target:
        found, now_ms = target.budgets.get(), target.now_ms()
    if as_json:
        output.as_json(found)
        return
    rows = [
        (
            owner or "instance",
            write_rule(rule),
            write_increases(rule, use),
            write_amount(use, "used"),
            write_amount(use, "remaining"),
            _describe_end(use, now_ms),
            rule["time_zone"],
        )
        for owner, rules in _list_owners(found)
        for rule, use in zip(rules, _list_uses(found, owner), strict=True)
    ]
    output.table(_HEADERS, rows, _EMPTY, droppable=1)


@app.command()
def show(provider: Provider = None, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show what is left of the budgets of the instance, or of a provider, now."""
    with open_target(data_dir) as target:
        found = target.budgets.get()
        if provider is not None and provider not in found["providers"]:
            target.integrations.get(provider)  # raises NotFound for a name that no provider has
        _show(found, provider, as_json, target.now_ms())


@app.command("set")
def set_(
    provider: Provider = None,
    budget: NewBudgets = None,
    time_zone: KeptTimeZone = None,
    yes: Yes = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Set budgets (replaces the current ones). One that keeps its name and unit keeps what was used."""
    if not budget:
        raise typer.BadParameter("pass at least one --budget, or use: ari budgets remove")
    wanted = make_budgets(budget, time_zone)
    if not wanted:
        _confirm_removal(provider, yes)
    with open_target(data_dir) as target:
        kept = keep_time_zones(wanted, lambda: dict(_list_owners(target.budgets.get())).get(provider, ()))
        _show(target.budgets.replace(provider, kept), provider, as_json, target.now_ms())
        warn_about_unpriced(target, wanted)


@app.command()
def remove(provider: Provider = None, yes: Yes = False, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Remove all budgets of the instance, or of a provider."""
    _confirm_removal(provider, yes)
    with open_target(data_dir) as target:
        _show(target.budgets.replace(provider, []), provider, as_json, target.now_ms())


@app.command()
def increase(
    amount: Amount,
    provider: Provider = None,
    budget: BudgetName = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Raise a budget once, until its current period ends. 0usd or 0tokens ends the increase."""
    given = parse_amount_text(amount)
    with open_target(data_dir) as target:
        name = choose_budget_name(budget, lambda: dict(_list_owners(target.budgets.get())).get(provider, ()))
        _show(target.budgets.increase(provider, name, given), provider, as_json, target.now_ms())


@app.command()
def reset(
    provider: Provider = None,
    budget: BudgetNames = None,
    yes: Yes = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Reset budgets, as if nothing had been used."""
    confirm_reset("the instance" if provider is None else provider, yes)
    with open_target(data_dir) as target:
        _show(target.budgets.reset(provider, budget or None), provider, as_json, target.now_ms())


def _confirm_removal(provider: str | None, yes: bool) -> None:
    whose = "the instance" if provider is None else provider
    output.confirm(f"Remove all budgets of {whose}? Its AI requests then have no such limit.", yes=yes)


def _show(found: Mapping[str, Any], provider: str | None, as_json: bool, now_ms: int) -> None:
    uses = _list_uses(found, provider)
    if as_json:
        output.as_json({"provider": provider, "budget_use": uses})
    else:
        show_uses(uses, now_ms)


def _list_owners(found: Mapping[str, Any]) -> list[tuple[str | None, Sequence[Mapping[str, Any]]]]:
    """The budgets by provider; those of ``None`` are the instance's."""
    return [(None, found["instance"]), *sorted(found["providers"].items())]


def _list_uses(found: Mapping[str, Any], provider: str | None) -> list[dict[str, Any]]:
    """The use of the owner's budgets, each under the name that commands take."""
    prefix = INSTANCE_PREFIX if provider is None else f"{PROVIDER_PREFIX}{provider}:"
    uses = found["budget_use"]
    return [{**use, "name": use["name"].removeprefix(prefix)} for use in uses if use["name"].startswith(prefix)]


def _describe_end(use: Mapping[str, Any], now_ms: int) -> str:
    return output.when(None if use["ends_at"] is None else from_rfc3339(use["ends_at"]), now_ms, "")
