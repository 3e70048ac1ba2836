"""``ari consumers``: those whom keys belong to."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import typer

from ari.base.problems import Problems
from ari.cli import key_output, output
from ari.cli.budget_use import describe_budgets, show_use
from ari.cli.command_app import CommandApp
from ari.cli.completion import offer
from ari.cli.key_budgets import (
    Amount,
    BudgetName,
    BudgetNames,
    NewBudgets,
    choose_budget_name,
    confirm_reset,
    make_budgets,
)
from ari.cli.key_limits import (
    KeptBalance,
    KeptRefillHour,
    KeptTimeZone,
    Named,
    NewBalance,
    RateLimits,
    Refill,
    RefillHour,
    TimeZone,
    TopUp,
    make_credits,
    make_limits,
)
from ari.cli.metadata_args import parse_metadata_options
from ari.cli.model_args import AllowModels, DenyModels, describe_models, make_model_rules
from ari.cli.options import AsJson, DataDir, Metadata, Yes
from ari.cli.rule_args import choose_rules, keep_present
from ari.cli.targets import open_target
from ari.cli.time_args import parse_time
from ari.cli.unpriced_models import warn_about_unpriced
from ari.keys import UNSET, ConsumerChange, NewConsumer
from ari.keys.limits.budget_fields import parse_amount_text

ConsumerName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the customer, team or service.")]
Reference = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="Name, ID or external ID of a consumer.",
        show_default=False,
        autocompletion=offer("consumers"),
    ),
]
ExternalId = Annotated[
    str | None, typer.Option("--external-id", metavar="TEXT", help="Your own ID for it.", show_default=False)
]

app = CommandApp(no_args_is_help=True)


@app.command()
def create(
    name: ConsumerName,
    external_id: ExternalId = None,
    metadata: Metadata = None,
    limit: RateLimits = None,
    balance: NewBalance = None,
    refill: Refill = None,
    refill_hour: RefillHour = 0,
    time_zone: TimeZone = "UTC",
    allow_model: AllowModels = None,
    deny_model: DenyModels = None,
    budget: NewBudgets = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Create a consumer that keys can belong to.

    Its keys share its limits, credits and budgets for AI requests, and may use the AI models that it may use.
    """
    problems = Problems()
    granted = problems.check(None, make_credits, balance, refill, refill_hour, time_zone)
    limits = problems.check([], make_limits, limit)
    models = make_model_rules(allow_model, deny_model)
    budgets = problems.check([], make_budgets, budget, time_zone)
    new = NewConsumer(name, external_id, parse_metadata_options(metadata), limits, granted, models, budgets)
    with open_target(data_dir) as target:
        consumer = target.consumers.create(new, problems.found)
        output.as_json(consumer) if as_json else output.say(f"Created {_describe(consumer)}.")
        warn_about_unpriced(target, consumer["budgets"] if budget else None)


@app.command("list")
def list_(
    text: Annotated[
        str, typer.Option("--text", metavar="TEXT", help="Filter by name, ID or external ID.", show_default=False)
    ] = "",
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """List consumers, newest first."""
    with open_target(data_dir) as target:
        found, now_ms = target.consumers.list_all(text), target.now_ms()
    if as_json:
        output.as_json({"items": found})
        return
    rows = (
        (
            one["name"],
            one["external_id"] or "",
            one["key_count"],
            output.when(parse_time(one["created_at"]), now_ms),
            one["id"],
        )
        for one in found
    )
    empty = 'No consumers yet. Create one: ari consumers create "Acme Inc." --external-id customer_4711'
    output.table(("NAME", "EXTERNAL ID", "KEYS", "CREATED", "ID"), rows, empty, droppable=3)


@app.command()
def show(consumer: Reference, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show a consumer's details."""
    with open_target(data_dir) as target:
        found, now_ms = target.consumers.get(consumer), target.now_ms()
    if as_json:
        output.as_json(found)
        return
    refill = found["credits"] and found["credits"]["refill"]
    pairs = [
        ("name", found["name"]),
        ("id", found["id"]),
        ("external ID", found["external_id"]),
        ("metadata", key_output.describe_metadata(found["metadata"])),
        ("keys", found["key_count"]),
        ("models", describe_models(found["models"]) if found["models"] else None),
        ("created", output.exactly(parse_time(found["created_at"]), now_ms)),
        ("created by", found["created_by"]),
        *key_output.describe_rules(found["remaining"], [refill] if refill else []),
        *describe_budgets(found["budget_use"], now_ms),
    ]
    output.facts([pair for pair in pairs if pair[1] is not None])


@app.command()
def change(
    consumer: Reference,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="A new name.", show_default=False)] = None,
    external_id: ExternalId = None,
    metadata: Metadata = None,
    limit: RateLimits = None,
    balance: KeptBalance = None,
    refill: Refill = None,
    refill_hour: KeptRefillHour = None,
    time_zone: KeptTimeZone = None,
    allow_model: AllowModels = None,
    deny_model: DenyModels = None,
    budget: NewBudgets = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Change a consumer's name, external ID, metadata, AI models, or the limits, credits and budgets its keys share.

    --external-id "" removes the external ID, --limit "" all limits, --budget "" all budgets and --allow-model "" the
    rules for models.
    """
    problems = Problems()
    rules = choose_rules(problems, limit, balance, refill, refill_hour, time_zone, budget, allow_model, deny_model)
    wanted = ConsumerChange(
        name=UNSET if name is None else name,
        external_id=UNSET if external_id is None else external_id or None,
        metadata=UNSET if metadata is None else parse_metadata_options(metadata),
        **rules._asdict(),
    )
    if wanted == ConsumerChange() and not problems.found:
        raise typer.BadParameter(
            "pass --name, --external-id, --metadata, --limit, --credits, --refill, --allow-model or --budget."
        )
    with open_target(data_dir) as target:
        kept = keep_present(rules, lambda: target.consumers.get(consumer))
        wanted = replace(wanted, credits=kept.credits, budgets=kept.budgets)
        changed = target.consumers.change(consumer, wanted, problems.found)
        output.as_json(changed) if as_json else output.say(f"Changed {_describe(changed)}.")
        if not as_json:
            _tell_in_force(target.consumers.get(consumer), target.now_ms(), budget=bool(budget), refill=bool(refill))
        warn_about_unpriced(target, changed["budgets"] if budget else None)


@app.command("reset-limits")
def reset_limits(
    consumer: Reference, limit: Named = None, yes: Yes = False, as_json: AsJson = False, data_dir: DataDir = None
) -> None:
    """Reset the limits that a consumer's keys share, as if nothing had been used."""
    output.confirm("Reset the limits of this consumer? Nothing counts as used then.", yes=yes)
    with open_target(data_dir) as target:
        key_output.show_remaining(target.consumers.reset_limits(consumer, limit or None), as_json)


@app.command("increase-budget")
def increase_budget(
    consumer: Reference,
    amount: Amount,
    budget: BudgetName = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Raise a budget that a consumer's keys share once, until its current period ends."""
    given = parse_amount_text(amount)
    with open_target(data_dir) as target:
        name = choose_budget_name(budget, lambda: target.consumers.get(consumer)["budgets"])
        show_use(target.consumers.increase_budget(consumer, name, given), as_json, target.now_ms())


@app.command("reset-budgets")
def reset_budgets(
    consumer: Reference, budget: BudgetNames = None, yes: Yes = False, as_json: AsJson = False, data_dir: DataDir = None
) -> None:
    """Reset the budgets that a consumer's keys share, as if nothing had been used."""
    confirm_reset("this consumer", yes)
    with open_target(data_dir) as target:
        show_use(target.consumers.reset_budgets(consumer, budget or None), as_json, target.now_ms())


@app.command("add-credits")
def add_credits(consumer: Reference, amount: TopUp, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Add to the credits that a consumer's keys share."""
    with open_target(data_dir) as target:
        key_output.show_remaining(target.consumers.add_credits(consumer, amount), as_json)


@app.command()
def delete(consumer: Reference, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Delete a consumer that has no keys."""
    with open_target(data_dir) as target:
        found = target.consumers.get(consumer)
        output.confirm(f"Delete {_describe(found)}?", yes=yes)
        target.consumers.delete(found["id"])
    output.say(f"Deleted {_describe(found)}.")


def _describe(consumer: Mapping[str, Any]) -> str:
    return f"“{consumer['name']}” ({consumer['external_id'] or consumer['id']})"


def _tell_in_force(consumer: Mapping[str, Any], now_ms: int, *, budget: bool, refill: bool) -> None:
    """Print the budgets and the refill after a change of them."""
    granted = (consumer["credits"] or {}).get("refill") if refill else None
    pairs = [
        *(describe_budgets(consumer["budget_use"], now_ms) if budget else ()),
        *(key_output.describe_rules((), [granted]) if granted else ()),
    ]
    if pairs:
        output.facts(pairs)
