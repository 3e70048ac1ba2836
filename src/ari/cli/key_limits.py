"""``ari keys limits`` and ``ari keys credits``: set, show, reset and add."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ari.base.errors import Forbidden
from ari.cli import key_output, output
from ari.cli.command_app import CommandApp
from ari.cli.options import AsJson, DataDir, KeyName, Yes
from ari.cli.targets import open_target
from ari.cli.time_args import whole_number
from ari.keys import UNSET, KeyChange
from ari.keys.limits.fields import parse_limit_text, parse_refill_text
from ari.keys.unset import Unset

RateLimits = Annotated[
    list[str] | None,
    typer.Option("--limit", metavar="[NAME=]100/1m", help="Rate limit (repeatable).", show_default=False),
]
Refill = Annotated[
    str | None,
    typer.Option("--refill", metavar="1000/day|month", help="Balance after each refill.", show_default=False),
]
KeptRefillHour = Annotated[
    int | None,
    typer.Option(
        "--refill-hour",
        metavar="HOUR",
        parser=whole_number(0),
        help="Hour of the refill, 0 to 23; default: as it is, or 0 for a new refill.",
        show_default=False,
    ),
]
KeptTimeZone = Annotated[
    str | None,
    typer.Option(
        "--time-zone",
        metavar="ZONE",
        help="Time zone of refills and budgets, such as Europe/Berlin; default: as it is, or UTC for new ones.",
        show_default=False,
    ),
]
RefillHour = Annotated[
    int, typer.Option("--refill-hour", metavar="HOUR", parser=whole_number(0), help="Hour of the refill, 0 to 23.")
]
TimeZone = Annotated[
    str, typer.Option("--time-zone", metavar="ZONE", help="Time zone of refills and budgets, such as Europe/Berlin.")
]
Balance = Annotated[int, typer.Argument(metavar="AMOUNT", parser=whole_number(0), help="Credits.", show_default=False)]
NewBalance = Annotated[
    int | None,
    typer.Option(
        "--credits", metavar="AMOUNT", parser=whole_number(0), help="Credits to use up; default: no limit by credits."
    ),
]
KeptBalance = Annotated[
    int | None,
    typer.Option(
        "--credits",
        metavar="AMOUNT",
        parser=whole_number(0),
        help="Credits to use up; default: as they are.",
        show_default=False,
    ),
]
NoCredits = Annotated[bool, typer.Option("--no-credits", help="No limit by credits.")]
TopUp = Annotated[
    int, typer.Argument(metavar="AMOUNT", parser=whole_number(1), help="Credits to add.", show_default=False)
]
Named = Annotated[
    list[str] | None,
    typer.Option("--limit", metavar="NAME", help="Limit to reset (repeatable); default: all.", show_default=False),
]

limits_app = CommandApp(help="Show, set and reset the rate limits of a key.", no_args_is_help=True)
credits_app = CommandApp(help="Set, add to and remove the credits of a key.", no_args_is_help=True)


def make_limits(limit: Sequence[str] | None) -> list[dict[str, Any]]:
    """The limits of ``--limit``, as commands take them. Raises ``Invalid`` if one can't be read."""
    return [parse_limit_text(text) for text in limit or ()]


def make_credits(
    amount: int | None, refill: str | None, hour: int | None, time_zone: str | None
) -> dict[str, Any] | None:
    """The credits of the options, as commands take them. Raises ``Invalid``."""
    given: dict[str, Any] = {} if amount is None else {"amount": amount}
    if refill is not None:
        chosen = {"hour": hour, "time_zone": time_zone}
        given["refill"] = parse_refill_text(refill) | {name: one for name, one in chosen.items() if one is not None}
    return given or None


def keep_refill(
    given: dict[str, Any] | None, read_credits: Callable[[], Mapping[str, Any] | None]
) -> dict[str, Any] | None:
    """The same credits; a refill without an hour or a time zone has that of the present refill."""
    refill = (given or {}).get("refill")
    if given is None or refill is None or {"hour", "time_zone"} <= refill.keys():
        return given
    try:
        present = (read_credits() or {}).get("refill") or {}
    except Forbidden:  # a key that may change credits, but not read them
        present = {}
    return given | {"refill": {name: present[name] for name in ("hour", "time_zone") if name in present} | refill}


def choose_limits(limit: Sequence[str] | None) -> list[dict[str, Any]] | Unset:
    """The limits of ``--limit``, none for an empty one, ``UNSET`` without the option. Raises ``Invalid``."""
    return UNSET if limit is None else make_limits([text for text in limit if text])


def choose_credits(
    amount: int | None, refill: str | None, hour: int | None, time_zone: str | None, *, no_credits: bool
) -> dict[str, Any] | Unset | None:
    """The credits of the options, ``None`` for ``--no-credits``, ``UNSET`` without any of them. Raises ``Invalid``."""
    given = make_credits(amount, refill, hour, time_zone)
    if no_credits and given is not None:
        raise typer.BadParameter("--no-credits contradicts --credits and --refill.")
    return None if no_credits else given or UNSET


@limits_app.command("show")
def show_limits(key: KeyName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show what remains of a key's limits and credits now."""
    with open_target(data_dir) as target:
        key_output.show_remaining(target.keys.get(key), as_json)


@limits_app.command("set")
def set_limits(key: KeyName, limit: RateLimits = None, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Set a key's rate limits (replaces the current ones). A limit that keeps its name keeps its count."""
    if not limit:
        raise typer.BadParameter("pass at least one --limit, or use: ari keys limits remove")
    _change(key, as_json, data_dir, KeyChange(limits=make_limits(limit)))


@limits_app.command("remove")
def remove_limits(key: KeyName, yes: Yes = False, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Remove all rate limits of a key."""
    output.confirm("Remove all rate limits of this key?", yes=yes)
    _change(key, as_json, data_dir, KeyChange(limits=()))


@limits_app.command("reset")
def reset_limits(
    key: KeyName, limit: Named = None, yes: Yes = False, as_json: AsJson = False, data_dir: DataDir = None
) -> None:
    """Reset a key's limits, as if nothing had been used."""
    output.confirm("Reset the limits of this key? Nothing counts as used then.", yes=yes)
    with open_target(data_dir) as target:
        key_output.show_remaining(target.keys.reset_limits(key, limit or None), as_json)


@credits_app.command("set")
def set_credits(
    key: KeyName,
    amount: Balance,
    refill: Refill = None,
    refill_hour: KeptRefillHour = None,
    time_zone: KeptTimeZone = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Set a key's balance and, with --refill, its refill. Without, the refill stays."""
    given = make_credits(amount, refill, refill_hour, time_zone)
    with open_target(data_dir) as target:
        kept = keep_refill(given, lambda: target.keys.get(key).get("credits"))
        changed = target.keys.change(key, KeyChange(credits=kept))
        in_force = (changed.get("credits") or {}).get("refill")
        key_output.show_remaining(changed, as_json, [in_force] if in_force else [])


@credits_app.command("add")
def add_credits(key: KeyName, amount: TopUp, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Add credits to a key's balance."""
    with open_target(data_dir) as target:
        key_output.show_remaining(target.keys.add_credits(key, amount), as_json)


@credits_app.command("remove")
def remove_credits(key: KeyName, yes: Yes = False, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Remove a key's credits. Credits then no longer limit its requests."""
    output.confirm("Remove the credits of this key? It then works without any.", yes=yes)
    _change(key, as_json, data_dir, KeyChange(credits=None))


def _change(key: str, as_json: bool, data_dir: Path | None, wanted: KeyChange) -> None:
    """Change the key, then show what remains."""
    with open_target(data_dir) as target:
        key_output.show_remaining(target.keys.change(key, wanted), as_json)
