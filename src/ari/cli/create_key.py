"""``ari keys create``. The rules are in ``ari.keys``, as for every door."""

from typing import Annotated

import typer

from ari.base.problems import Problems
from ari.cli import key_output
from ari.cli.key_budgets import NewBudgets
from ari.cli.key_limits import (
    NewBalance,
    NoCredits,
    RateLimits,
    Refill,
    RefillHour,
    TimeZone,
)
from ari.cli.metadata_args import parse_metadata_options
from ari.cli.model_args import AllowModels, DenyModels
from ari.cli.options import (
    Addresses,
    AsJson,
    Consumer,
    DataDir,
    EnvironmentName,
    Expires,
    ExpiresAt,
    KindOption,
    Metadata,
    NewName,
    Scopes,
    Tags,
)
from ari.cli.rule_args import choose_rules
from ari.cli.targets import open_target
from ari.cli.time_args import instant
from ari.keys import NewKey


def create(
    name: NewName,
    expires: Expires = None,
    expires_at: ExpiresAt = None,
    scope: Scopes = None,
    limit: RateLimits = None,
    balance: NewBalance = None,
    refill: Refill = None,
    refill_hour: RefillHour = 0,
    time_zone: TimeZone = "UTC",
    no_credits: NoCredits = False,
    consumer: Consumer = None,
    tag: Tags = None,
    metadata: Metadata = None,
    environment: EnvironmentName = None,
    kind: KindOption = None,
    address: Addresses = None,
    allow_model: AllowModels = None,
    deny_model: DenyModels = None,
    budget: NewBudgets = None,
    may_rotate: Annotated[bool, typer.Option("--may-rotate", help="Let the holder of the key rotate it.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Create a key and print its secret once. When piped, prints only the secret.

    Without --kind, the key never expires unless you pass --expires. --limit "", --no-credits, --budget "" and
    --allow-model "" give it none of its kind.
    """
    problems = Problems()
    rules = choose_rules(
        problems, limit, balance, refill, refill_hour, time_zone, budget, allow_model, deny_model, no_credits=no_credits
    )
    new = NewKey(
        name,
        expires,
        instant(expires_at, "--expires-at"),
        tuple(scope) if scope else None,
        kind=kind,
        environment=environment,
        may_rotate=may_rotate,
        consumer=consumer,
        tags=tuple(tag or ()),
        metadata=parse_metadata_options(metadata),
        addresses=tuple(address or ()),
        **rules._asdict(),
    )
    with open_target(data_dir) as target:
        key_output.show_created(target, target.keys.create(new, problems.found), as_json, sets_budgets=bool(budget))
