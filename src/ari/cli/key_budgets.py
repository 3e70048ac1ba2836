"""``ari keys budgets``: set, show, increase and reset the budgets of a key. Options for consumers, too."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ari.base.errors import Forbidden, Invalid, Problem
from ari.cli import output
from ari.cli.budget_use import show_use
from ari.cli.command_app import CommandApp
from ari.cli.key_output import describe_key
from ari.cli.options import AsJson, DataDir, KeyName, Yes
from ari.cli.targets import open_target
from ari.cli.unpriced_models import warn_about_unpriced
from ari.keys import UNSET, KeyChange
from ari.keys.limits.budget_fields import parse_amount_text, parse_budget_text
from ari.keys.limits.fields import DEFAULT_NAME
from ari.keys.unset import Unset

if TYPE_CHECKING:
    from ari.cli.targets import Target

NewBudgets = Annotated[
    list[str] | None,
    typer.Option(
        "--budget",
        metavar="[NAME=]25usd/month",
        help="Budget for AI requests (repeatable), such as 25usd/month, 200000tokens/day or 5usd/24h; a ? at the end "
        "makes it a soft one.",
        show_default=False,
    ),
]
TimeZone = Annotated[str, typer.Option("--time-zone", metavar="ZONE", help="Time zone of days, weeks and months.")]
KeptTimeZone = Annotated[
    str | None,
    typer.Option(
        "--time-zone",
        metavar="ZONE",
        help="Time zone of days, weeks and months; default: as it is, or UTC for a new budget.",
        show_default=False,
    ),
]
Amount = Annotated[
    str,
    typer.Argument(
        metavar="AMOUNT",
        help="Amount to add, such as 10usd or 50000tokens; 0usd or 0tokens ends the increase.",
        show_default=False,
    ),
]
BudgetName = Annotated[
    str | None,
    typer.Option("--budget", metavar="NAME", help="Name of the budget (default: the only one).", show_default=False),
]
BudgetNames = Annotated[
    list[str] | None,
    typer.Option("--budget", metavar="NAME", help="Budget to reset (repeatable); default: all.", show_default=False),
]

budgets_app = CommandApp(help="Show, set, increase and reset the budgets of a key.", no_args_is_help=True)


def make_budgets(budget: Sequence[str] | None, time_zone: str | None) -> list[dict[str, Any]]:
    """The budgets of ``--budget``, as commands take them; an empty one is none. Raises ``Invalid``."""
    zone = {} if time_zone is None else {"time_zone": time_zone}
    return [parse_budget_text(text) | zone for text in budget or () if text]


def keep_time_zones(
    wanted: list[dict[str, Any]], read_budgets: Callable[[], Sequence[Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """The same budgets; one without a time zone has that of the present budget of its name."""
    if all("time_zone" in one for one in wanted):
        return wanted
    try:
        zones = {one["name"]: one["time_zone"] for one in read_budgets()}
    except Forbidden:  # a key that may change budgets, but not read them
        zones = {}
    return [{"time_zone": zones.get(one["name"], "UTC")} | one for one in wanted]


def choose_budgets(budget: Sequence[str] | None, time_zone: str | None) -> list[dict[str, Any]] | Unset:
    """The same, ``UNSET`` without the option."""
    return UNSET if budget is None else make_budgets(budget, time_zone)


def confirm_reset(whose: str, yes: bool) -> None:
    """Ask before budgets are reset. Raises ``Conflict`` without a yes."""
    output.confirm(f"Reset the budgets of {whose}? All of each can then be spent again.", yes=yes)


def choose_budget_name(budget: str | None, read_budgets: Callable[[], Sequence[Mapping[str, Any]]]) -> str:
    """The name of ``--budget``, else that of the only budget, else ``default``. Raises ``Invalid`` for several."""
    if budget is not None:
        return budget
    try:
        names = [one["name"] for one in read_budgets()]
    except Forbidden:  # a key that may change budgets, but not read them
        names = []
    if len(names) > 1 and DEFAULT_NAME not in names:
        raise Invalid(Problem("budget", f"There are several budgets. Pass --budget with one of: {', '.join(names)}."))
    return names[0] if len(names) == 1 else DEFAULT_NAME


@budgets_app.command("show")
def show_budgets(key: KeyName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show what is left of the budgets of a key and its consumer now."""
    with open_target(data_dir) as target:
        show_use(target.keys.get(key), as_json, target.now_ms())


@budgets_app.command("set")
def set_budgets(
    key: KeyName,
    budget: NewBudgets = None,
    time_zone: KeptTimeZone = None,
    yes: Yes = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Set a key's budgets (replaces the current ones). One that keeps its name and unit keeps what was used."""
    if not budget:
        raise typer.BadParameter("pass at least one --budget, or use: ari keys budgets remove")
    wanted = make_budgets(budget, time_zone)
    with open_target(data_dir) as target:
        if not wanted:
            _confirm_removal(target, key, yes)
        kept = keep_time_zones(wanted, lambda: target.keys.get(key)["budgets"])
        changed = target.keys.change(key, KeyChange(budgets=kept))
        show_use(changed, as_json, target.now_ms())
        warn_about_unpriced(target, changed["budgets"])


@budgets_app.command("remove")
def remove_budgets(key: KeyName, yes: Yes = False, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Remove all budgets of a key."""
    with open_target(data_dir) as target:
        _confirm_removal(target, key, yes)
        show_use(target.keys.change(key, KeyChange(budgets=())), as_json, target.now_ms())


@budgets_app.command("increase")
def increase_budget(
    key: KeyName, amount: Amount, budget: BudgetName = None, as_json: AsJson = False, data_dir: DataDir = None
) -> None:
    """Raise a budget of a key once, until its current period ends. 0usd or 0tokens ends the increase."""
    given = parse_amount_text(amount)
    with open_target(data_dir) as target:
        name = choose_budget_name(budget, lambda: target.keys.get(key)["budgets"])
        show_use(target.keys.increase_budget(key, name, given), as_json, target.now_ms())


@budgets_app.command("reset")
def reset_budgets(
    key: KeyName, budget: BudgetNames = None, yes: Yes = False, as_json: AsJson = False, data_dir: DataDir = None
) -> None:
    """Reset a key's budgets, as if nothing had been used."""
    confirm_reset("this key", yes)
    with open_target(data_dir) as target:
        show_use(target.keys.reset_budgets(key, budget or None), as_json, target.now_ms())


def _confirm_removal(target: "Target", key: str, yes: bool) -> None:
    if not yes:
        output.confirm(f"Remove all budgets of {describe_key(target.keys.find(key))}?", yes=False)
