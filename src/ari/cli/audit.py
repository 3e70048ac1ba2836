"""``ari audit``: the signed head of the audit trail, and what retention removes from its beginning."""
# Imports inside functions here: start-up speed.

from typing import TYPE_CHECKING, Annotated

import typer

from ari.base.audit import MIN_RETENTION_DAYS, Head, accept, broken
from ari.base.clock import to_rfc3339
from ari.base.errors import Conflict
from ari.cli import output
from ari.cli.opening import CALLER, opened
from ari.cli.options import AsJson, DataDir, Yes
from ari.cli.words import whole_number

if TYPE_CHECKING:
    from ari.instance import Instance

app = typer.Typer(help="The audit trail: its signed head, and its retention.", no_args_is_help=True)


@app.callback()
def root() -> None:
    pass


@app.command("head")
def show_head(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Print the last event, its hash and who signed it. Keep it where nobody here can change it."""
    with opened(data_dir) as instance:
        head, fingerprint = _head_of(instance)
    facts = {
        "instance": head.instance,
        "event": head.event_id,
        "hash": head.hash,
        "events": head.position,
        "time": to_rfc3339(head.at_ms),
        "signing_key": fingerprint,
    }
    if as_json:
        output.as_json(facts)
    else:
        output.facts(list(facts.items()))


@app.command()
def check(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The event's id.", show_default=False)],
    hash_of_it: Annotated[str, typer.Argument(metavar="HASH", help="Its hash, as it was kept.", show_default=False)],
    data_dir: DataDir = None,
) -> None:
    """Compare a head that was kept elsewhere with the trail: fails unless that event is still in it."""
    from ari.storage import checkup

    with opened(data_dir) as instance:
        trail = checkup.audit_trail(instance.database)
        found = instance.read(lambda unit: unit.events.hash_of(event))
    if trail.broken is not None:
        raise broken(f"the event {trail.broken.event_id} does not follow from the one before")
    if found is None and trail.removed:
        raise Conflict(
            "not_in_trail",
            f"{event} is not in the trail; retention removed {trail.removed:,} events, perhaps this one.",
        )
    if found is None or found != hash_of_it.strip().lower():
        why = "is not in the trail" if found is None else "is there with another hash"
        raise Conflict(
            "not_in_trail", f"{event} {why}: it is mistyped, or the trail was rewritten or replaced by an older copy."
        )
    output.say(f"{event} is in the trail with this hash: nothing up to it was changed.")


@app.command()
def prune(
    days: Annotated[
        int,
        typer.Option(
            "--days", parser=whole_number(MIN_RETENTION_DAYS), metavar="NUMBER", help="Keep so many days of events."
        ),
    ],
    yes: Yes = False,
    data_dir: DataDir = None,
) -> None:
    """Remove older events for good. A signed cut takes their place, so that the rest can still be verified."""
    output.confirm(f"Remove every event that is older than {days} days?", yes=yes)
    from ari.jobs.audit import prune_events

    with opened(data_dir) as instance:
        removed = prune_events(instance, CALLER(), days)
    output.say("Nothing was that old." if not removed else f"Removed {removed:,} events.")


@app.command("accept")
def accept_trail(yes: Yes = False, data_dir: DataDir = None) -> None:
    """Sign the trail as it is, once you know why it does not match its signatures. An event records it."""
    from ari.storage import checkup

    with opened(data_dir) as instance:
        before = checkup.audit_trail(instance.database)
        if before.broken is not None:
            raise broken(
                f"the event {before.broken.event_id} does not follow from the one before; no signature mends that"
            )
        if before.fault is None:
            output.say("The trail is as it was signed.")
            return
        output.confirm(f"{before.fault[0].upper()}{before.fault[1:]}. Sign the trail as it is?", yes=yes)
        instance.command(CALLER(), lambda unit, by: accept(unit, by, instance.now_ms(), {"because": before.fault}))
        after = checkup.audit_trail(instance.database)
    if after.fault is not None:
        raise broken(after.fault)
    output.say(f"Signed {after.walked:,} events with the key {after.fingerprint}.")


def _head_of(instance: "Instance") -> tuple[Head, str]:
    mark = instance.read(lambda unit: unit.events.marks.head())
    head = None if mark is None else Head.parse(mark.text)
    if mark is None or head is None:
        raise Conflict("no_head", "The audit trail has no signed head yet; its first event makes one.")
    return head, mark.signature.fingerprint
