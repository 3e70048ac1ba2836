"""``ari audit``: the signed head of the audit log, copies of the log, and its retention."""
# Imports inside functions here: start-up speed.

from typing import Annotated

import typer

from ari.backups.backup_lineage import read_lineage
from ari.base.audit import MIN_RETENTION_DAYS, AuditTransaction, Head, accept, broken
from ari.base.clock import to_rfc3339
from ari.base.errors import Conflict
from ari.base.signing import Signature
from ari.cli import output
from ari.cli.audit_copy import export, verify
from ari.cli.audit_take_over import take_over
from ari.cli.chosen_instance import require_data_dir
from ari.cli.command_app import CommandApp
from ari.cli.instances import open_deps
from ari.cli.options import AsJson, DataDir, Yes
from ari.cli.time_args import whole_number

app = CommandApp(no_args_is_help=True)
app.command("export")(export)
app.command("verify")(verify)
app.command("take-over")(take_over)


@app.callback()
def root() -> None:
    pass


@app.command("head")
def show_head(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show the newest event, its hash and the key that signed it. Keep a copy on another machine."""
    with open_deps(data_dir) as deps:
        head, signature = deps.read_sync(_get_head)
        history = deps.read_sync(read_lineage)
    facts = {
        "instance": head.instance,
        "event": head.event_id,
        "hash": head.hash,
        "events": head.position,
        "time": to_rfc3339(head.at_ms),
        "signing_key": signature.fingerprint,
        "public_key": signature.public.hex(),
        "history": history or None,
    }
    if as_json:
        output.as_json(facts)
    else:
        shown = facts | {"time": output.moment(head.at_ms), "history": history or "never restored"}
        output.facts(list(shown.items()))


@app.command()
def check(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="Event ID.", show_default=False)],
    hash_of_it: Annotated[str, typer.Argument(metavar="HASH", help="The hash you saved.", show_default=False)],
    data_dir: DataDir = None,
) -> None:
    """Check that an event you saved is still in the audit log. Exits with 1 if it isn't."""
    with open_deps(data_dir) as deps:
        audit_log = deps.instance.check_audit_log()
        found = deps.read_sync(_get_hash, event)
    if audit_log.broken is not None:
        raise broken(f"event {audit_log.broken.event_id} doesn't follow the one before it")
    if found is None and audit_log.removed:
        raise Conflict(
            "not_in_trail",
            f"{event} isn't in the audit log. Retention removed {output.count(audit_log.removed, 'event')}, possibly "
            "including this one.",
        )
    if found is None or found != hash_of_it.strip().lower():
        why = "isn't in the audit log" if found is None else "has a different hash"
        raise Conflict(
            "not_in_trail",
            f"{event} {why}. Check for typos; otherwise the audit log was rewritten or restored from an older copy.",
        )
    output.say(f"{event} is in the audit log with this hash. Nothing up to this event was changed.")


@app.command()
def prune(
    days: Annotated[
        int,
        typer.Option(
            "--days", parser=whole_number(MIN_RETENTION_DAYS), metavar="NUMBER", help="Days of events to keep."
        ),
    ],
    yes: Yes = False,
    data_dir: DataDir = None,
) -> None:
    """Permanently remove older events. A signed cut replaces them, so the rest can still be verified."""
    require_data_dir(data_dir)
    output.confirm(f"Permanently remove every event older than {days} days?", yes=yes)
    from ari.jobs.audit import prune_events

    with open_deps(data_dir) as deps:
        removed = prune_events(deps, days)
    output.say("No events are that old." if not removed else f"Removed {output.count(removed, 'event')}.")


@app.command("accept")
def accept_trail(yes: Yes = False, data_dir: DataDir = None) -> None:
    """Sign the audit log as it is, once you know why it doesn't match its signature. Recorded as an event."""
    with open_deps(data_dir) as deps:
        before = deps.instance.check_audit_log()
        if before.broken is not None:
            raise broken(
                f"event {before.broken.event_id} doesn't follow the one before it, which a signature can't fix"
            )
        if before.fault is None:
            output.say("The audit log matches its signature. Nothing to accept.")
            if deps.instance.settings.database_url is not None:
                output.say("If another node reports that events are missing, run this command on that node.")
            return
        output.confirm(f"{before.fault[0].upper()}{before.fault[1:]}. Sign the audit log as it is?", yes=yes)
        deps.do_sync(accept, {"because": before.fault})
        after = deps.instance.check_audit_log()
    if after.fault is not None:
        raise broken(after.fault)
    output.say(f"Signed {output.count(after.walked, 'event')} with key {after.fingerprint}.")


def _get_hash(tx: AuditTransaction, event_id: str) -> str | None:
    return tx.events.hash_of(event_id)


def _get_head(tx: AuditTransaction) -> tuple[Head, Signature]:
    mark = tx.events.marks.head()
    head = None if mark is None else Head.parse(mark.text)
    if mark is None or head is None:
        raise Conflict("no_head", "The audit log has no signed head yet. It is created with the first event.")
    return head, mark.signature
