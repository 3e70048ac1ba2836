"""``ari usage``: the requests made with keys, and attempts without a valid key."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from ari import keys
from ari.base.clock import from_rfc3339, to_optional_rfc3339
from ari.base.transaction import record
from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.instances import open_deps
from ari.cli.local.find_key import find_key
from ari.cli.options import AsJson, DataDir, Limit, Yes
from ari.cli.show_complete_until import show_complete_until
from ari.cli.tail import Row, Tail, read_newest
from ari.cli.targets import open_target
from ari.cli.time_args import since as since_ms
from ari.cli.usage_export import export
from ari.cli.usage_filters import (
    Address,
    Code,
    Consumer,
    Key,
    Method,
    Since,
    Source,
    Status,
    Tag,
    Text,
    Until,
)
from ari.cli.usage_options import UsageOptions
from ari.cli.usage_summary import ai, summary
from ari.cli.usage_totals import totals
from ari.usage.cleaning import address_forms
from ari.usage.model import KeyClient, split_source
from ari.usage.reports.facts import attempt_facts, client_facts

if TYPE_CHECKING:
    from ari.deps import Deps

app = CommandApp(invoke_without_command=True)
app.command()(export)
app.command()(totals)
app.command()(summary)
app.command()(ai)

POLL_SECONDS = 1.0
HEADERS = ("TIME", "STATUS", "METHOD", "PATH", "KEY", "VERDICT", "ADDRESS", "MS", "COUNT", "SOURCE", "ID")

EraseAddress = Annotated[
    str, typer.Option("--address", metavar="ADDRESS", help="IP address to erase.", show_default=False)
]
ThisKey = Annotated[str, typer.Option("--key", metavar="ID", help="Key ID or prefix.", show_default=False)]


@app.callback()
def usage(
    context: typer.Context,
    key: Key = None,
    code: Code = None,
    status: Status = None,
    method: Method = None,
    address: Address = None,
    consumer: Consumer = None,
    tag: Tag = None,
    source: Source = None,
    text: Text = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow new requests.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """List requests made with a key, newest first (oldest first with --follow)."""
    filters = {"code": code, "status": status, "method": method, "address": address, "source": source, "q": text}
    if context.invoked_subcommand is not None:
        if as_json or data_dir or follow or any((key, consumer, tag, since, until, *filters.values())):
            raise typer.BadParameter(f"put options after {context.invoked_subcommand}.")
        return
    query = UsageOptions(key, consumer, tag, since, until, filters)
    with open_target(data_dir) as target:

        def read(since_ms: int | None, cursor: str | None, size: int) -> tuple[list[Row], str | None]:
            return target.usage.read_page(query, since_ms, cursor, size)

        if follow:
            _follow(Tail(read, target.usage.overlap_ms), target.now_ms, limit, as_json)
            return
        rows = read_newest(read, None, limit)
        until = target.usage.complete_until
    if as_json:
        output.as_json({"items": rows, "complete_until": until})
    else:
        output.table(HEADERS, (_cells(row) for row in rows), "No requests found.", droppable=7)
        show_complete_until(until)


@app.command()
def attempts(since: Since = None, limit: Limit = 50, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List attempts without a valid key, by minute, reason and IP address.

    Those that a service asked /api/verify about have its key in place of an address.
    """
    with open_deps(data_dir) as deps:
        instance = deps.instance
        until = _read_complete_until(deps)
        counted = instance.usage_records.attempts(since_ms(since, instance.now_ms()) or 0, limit)
        verifiers = sorted({key_id for one in counted if (key_id := split_source(one.address)[1])})
        names = deps.read_sync(keys.get_names, verifiers)
    if as_json:
        output.as_json({"items": [attempt_facts(one) for one in counted], "complete_until": until})
        return
    rows = ((output.moment(one.at_ms), one.reason, _describe_source(one.address, names), one.count) for one in counted)
    output.table(("MINUTE", "REASON", "SOURCE", "COUNT"), rows, "No attempts.")
    show_complete_until(until)


@app.command()
def addresses(key: ThisKey, limit: Limit = 50, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the IP addresses that used a key, most recent first."""
    with open_deps(data_dir) as deps:
        found = deps.read_sync(find_key, key, even_deleted=True)
        until = _read_complete_until(deps)
        _show_seen("ADDRESS", deps.instance.usage_records.addresses(found.id, limit), until, as_json)


@app.command()
def agents(key: ThisKey, limit: Limit = 50, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the user agents that used a key, most recent first."""
    with open_deps(data_dir) as deps:
        found = deps.read_sync(find_key, key, even_deleted=True)
        until = _read_complete_until(deps)
        _show_seen("USER AGENT", deps.instance.usage_records.agents(found.id, limit), until, as_json)


def _describe_source(source: str, names: Mapping[str, str | None]) -> str:
    address, key_id = split_source(source)
    return f"{names.get(key_id) or key_id} (verify)" if key_id is not None else str(address)


def _read_complete_until(deps: "Deps") -> str | None:
    return to_optional_rfc3339(deps.instance.reports.complete_until_ms())


def _show_seen(header: str, seen: list[KeyClient], until: str | None, as_json: bool) -> None:
    if as_json:
        output.as_json({"items": [client_facts(one) for one in seen], "complete_until": until})
        return
    rows = (
        (
            one.value,
            one.accepted_count,
            one.refused_count,
            output.moment(one.first_seen_at_ms),
            output.moment(one.last_seen_at_ms),
        )
        for one in seen
    )
    output.table((header, "ALLOWED", "REFUSED", "FIRST SEEN", "LAST SEEN"), rows, "Never used.")
    show_complete_until(until)


@app.command()
def erase(
    address: EraseAddress,
    yes: Yes = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Erase an IP address from the usage log. Scans the whole log; safe while ARI is running."""
    try:
        address_forms(address)
    except ValueError:
        raise typer.BadParameter(
            "use an IP address, or a network as shown in the log.", param_hint="--address"
        ) from None
    with open_deps(data_dir) as deps:
        output.confirm(f"Permanently erase {address} from every row of the usage log?", yes=yes)
        # Outside the event's transaction: that one blocks every other change while the log is scanned.
        count = deps.instance.usage_records.erase_address(address)
        detail = {"rows": count}  # not the address: it must be forgotten
        deps.do_sync(record, "usage_erased", None, detail)
    if as_json:
        output.as_json({"rows": count})
    else:
        output.say(f"Erased from {output.count(count, 'row')}.")


def _follow(tail: Tail, now_ms: Callable[[], int], limit: int, as_json: bool) -> None:
    if not as_json:
        output.line(HEADERS)
    for row in _read_growing(tail, now_ms, limit):
        if as_json:
            output.as_json(row, one_line=True)
        else:
            output.line(_cells(row))


def _read_growing(tail: Tail, now_ms: Callable[[], int], limit: int) -> Iterator[Row]:
    yield from tail.start(now_ms(), limit)
    while True:
        time.sleep(POLL_SECONDS)
        yield from tail.more(now_ms())


def _cells(row: Row) -> tuple[object, ...]:
    return (
        output.moment(from_rfc3339(row["time"])),
        "-" if row["status"] is None else row["status"],
        row["method"],
        row["path"],
        row["key_hint"],
        row["code"],
        row["client_address"] or "-",
        "-" if row["duration_ms"] is None else f"{row['duration_ms']:.1f}",
        row["count"],
        row["source"],
        row["id"],
    )
