"""``ari policy``: the rules for all keys."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.options import AsJson, DataDir
from ari.cli.targets import open_target
from ari.cli.time_args import whole_number
from ari.keys import UNSET, InstancePolicyChange

MaxLifetime = Annotated[
    int | None,
    typer.Option(
        metavar="DAYS", parser=whole_number(0), help="Longest lifetime of a key; 0 = no limit.", show_default=False
    ),
]
DisableUnused = Annotated[
    int | None,
    typer.Option(
        metavar="DAYS",
        parser=whole_number(0),
        help="Disable keys that weren't used for this many days; 0 = never.",
        show_default=False,
    ),
]

app = CommandApp(no_args_is_help=True)


@app.command()
def show(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show the rules for all keys."""
    with open_target(data_dir) as target:
        _show(target.policy.get(), as_json)


@app.command("set")
def set_(
    max_lifetime_days: MaxLifetime = None,
    disable_unused_days: DisableUnused = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Change the rules. Existing keys keep their expiry."""
    wanted = _change_of(max_lifetime_days, disable_unused_days)
    with open_target(data_dir) as target:
        _show(target.policy.change(wanted), as_json)


@app.command()
def preview(
    max_lifetime_days: MaxLifetime = None,
    disable_unused_days: DisableUnused = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show how many active keys a change would affect, without changing anything."""
    wanted = _change_of(max_lifetime_days, disable_unused_days)
    with open_target(data_dir) as target:
        found = target.policy.preview(wanted)
    if as_json:
        output.as_json(found)
        return
    more = "" if found["complete"] else " or more"
    output.facts(
        [
            *_facts_of(found),
            ("keys that live longer", f"{output.count(found['outliving_keys'], 'key')} (they keep their expiry)"),
            ("unused keys", f"{output.count(found['unused_keys'], 'key')}{more} (disabled within an hour)"),
        ]
    )


def _change_of(max_lifetime_days: int | None, disable_unused_days: int | None) -> InstancePolicyChange:
    if max_lifetime_days is None and disable_unused_days is None:
        raise typer.BadParameter("pass --max-lifetime-days or --disable-unused-days.")
    return InstancePolicyChange(
        max_lifetime_days=UNSET if max_lifetime_days is None else max_lifetime_days or None,
        disable_unused_days=UNSET if disable_unused_days is None else disable_unused_days or None,
    )


def _show(policy: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        output.as_json(policy)
        return
    output.facts(_facts_of(policy))


def _facts_of(policy: Mapping[str, Any]) -> list[tuple[str, str]]:
    lifetime, unused = policy["max_lifetime_days"], policy["disable_unused_days"]
    return [
        ("longest lifetime", "no limit" if lifetime is None else output.count(lifetime, "day")),
        ("disable unused keys", "never" if unused is None else f"after {output.count(unused, 'day')}"),
    ]
