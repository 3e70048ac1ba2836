"""``ari webhooks``: send events to URLs. The rules are in ``ari.webhooks``, as for every door."""

import getpass
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.options import AsJson, DataDir, Limit, Yes
from ari.cli.targets import open_target
from ari.cli.time_args import one_of, parse_time
from ari.cli.time_args import since as since_ms
from ari.keys.unset import UNSET
from ari.webhooks.management import NewWebhook, WebhookChange
from ari.webhooks.model import FORMATS, OFF_REASONS, STATES

WebhookId = Annotated[str, typer.Argument(metavar="ID", help="Webhook ID.", show_default=False)]
Name = Annotated[str, typer.Argument(metavar="NAME", help="What receives the events.", show_default=False)]
Url = Annotated[
    str | None,
    typer.Argument(metavar="[URL]", help="Where to send events; read from a prompt or stdin if omitted."),
]
Events = Annotated[
    list[str] | None,
    typer.Option(
        "--event",
        metavar="TYPE|GROUP.*",
        help="Event to send, e.g. key.revoked or key.* (repeatable; default: all).",
        show_default=False,
    ),
]
FormatName = Annotated[
    str, typer.Option("--format", metavar="|".join(FORMATS), parser=one_of(*FORMATS), help="Format of the messages.")
]

app = CommandApp(no_args_is_help=True)


@app.command("list")
def list_(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List webhooks."""
    with open_target(data_dir) as target:
        found, now_ms = target.webhooks.list_all(), target.now_ms()
    if as_json:
        output.as_json({"items": found, "next_cursor": None})
        return
    rows = (
        (
            one["id"],
            one["name"],
            describe_state(one),
            one["format"],
            one["url"],
            " ".join(one["events"]),
            output.when(parse_time(one["last_delivered_at"]), now_ms),
        )
        for one in found
    )
    empty = "No webhooks yet. Add one: ari webhooks add 'Ticket system' https://example.com/hooks/ari"
    output.table(("ID", "NAME", "STATE", "FORMAT", "URL", "EVENTS", "DELIVERED"), rows, empty, droppable=3)


@app.command()
def add(
    name: Name,
    url: Url = None,
    event: Events = None,
    format_name: FormatName = "standard",
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Add a webhook and print its signing secret, once.

    A URL that contains a secret, such as Slack's, is better read from the prompt: it then isn't in your shell history.
    """
    with open_target(data_dir) as target:
        wanted = NewWebhook(name, read_url() if url is None else url, tuple(event or ("*",)), format_name)
        added = target.webhooks.add(wanted)
    show_secret(added, as_json)
    if not as_json and output.at_terminal():
        output.say(f"Test it: ari webhooks test {added['webhook']['id']}")


@app.command()
def show(webhook_id: WebhookId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show a webhook."""
    with open_target(data_dir) as target:
        found, now_ms = target.webhooks.get(webhook_id), target.now_ms()
    if as_json:
        output.as_json(found)
    else:
        _show(found, now_ms)


@app.command("set")
def set_(
    webhook_id: WebhookId,
    name: Annotated[str | None, typer.Option("--name", help="What receives the events.", show_default=False)] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", help="Where to send events; - reads it from a prompt or stdin.", show_default=False),
    ] = None,
    event: Events = None,
    on: Annotated[bool, typer.Option("--on", help="Turn it on.")] = False,
    off: Annotated[bool, typer.Option("--off", help="Turn it off.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Change a webhook, or turn it on or off. Events while it is off are never sent."""
    if on and off:
        raise typer.BadParameter("pass either --on or --off.")
    wanted = WebhookChange(
        name=UNSET if name is None else name,
        url=UNSET if url is None else (read_url() if url == "-" else url),
        events=tuple(event) if event else UNSET,
        on=on if on or off else UNSET,
    )
    if wanted == WebhookChange():
        raise typer.BadParameter("pass at least one option.")
    with open_target(data_dir) as target:
        changed = target.webhooks.change(webhook_id, wanted)
    if as_json:
        output.as_json(changed)
    else:
        output.say(f"Changed {changed['name']}: {describe_state(changed)}, {changed['url']}.")


@app.command()
def delete(webhook_id: WebhookId, yes: Yes = False, data_dir: DataDir = None) -> None:
    """Delete a webhook with its deliveries (asks first)."""
    with open_target(data_dir) as target:
        found = target.webhooks.get(webhook_id)
        output.confirm(f"Delete the webhook {found['name']} ({found['url']})? What waits is never sent.", yes=yes)
        target.webhooks.remove(webhook_id)
    output.say(f"Deleted {found['name']}.")


@app.command("rotate-secret")
def rotate_secret(
    webhook_id: WebhookId,
    retire_old_now: Annotated[
        bool, typer.Option("--retire-old-now", help="Stop signing with the old secret now, not in 24 hours.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Print a new signing secret, once. The old one signs too for 24 hours."""
    with open_target(data_dir) as target:
        rotated = target.webhooks.rotate_secret(webhook_id, retire_old_now=retire_old_now)
    show_secret(rotated, as_json)
    until_ms = parse_time(rotated["webhook"]["old_secret_until"])
    if until_ms is not None and not as_json and output.at_terminal():
        output.say(f"The old secret signs too until {output.moment(until_ms)}.")


@app.command("test")
def run_test(webhook_id: WebhookId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Send a test now, even to a webhook that is off. Exits with 1 if it fails."""
    with open_target(data_dir) as target:
        sent = target.webhooks.send_test(webhook_id)
    if as_json:
        output.as_json(sent)
    elif sent["state"] == "delivered":
        output.say(f"Delivered: status {sent['status']}.")
    else:
        output.tell(f"ari: Not delivered. {sent['error']}")
    if sent["state"] != "delivered":
        raise typer.Exit(1)


@app.command()
def deliveries(
    webhook_id: WebhookId,
    state: Annotated[
        str | None,
        typer.Option(
            "--state",
            metavar="|".join(STATES),
            parser=one_of(*STATES),
            help="Only deliveries in this state.",
            show_default=False,
        ),
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show a webhook's deliveries of the last 30 days, newest first."""
    with open_target(data_dir) as target:
        found = target.webhooks.list_deliveries(webhook_id, limit, next((one for one in STATES if one == state), None))
        now_ms = target.now_ms()
    if as_json:
        output.as_json({"items": found})
        return
    rows = (
        (
            output.when(parse_time(one["time"]), now_ms),
            one["id"],
            one["type"],
            describe_result(one, now_ms),
            one["attempts"],
        )
        for one in found
    )
    output.table(("TIME", "ID", "TYPE", "RESULT", "ATTEMPTS"), rows, "No deliveries.", droppable=1)


@app.command()
def replay(
    webhook_id: WebhookId,
    delivery_id: Annotated[
        str | None, typer.Argument(metavar="[DELIVERY]", help="Delivery to send again.", show_default=False)
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Send every failed delivery again.")] = False,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="24h|TIME", help="With --failed: only of events since this time.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Send deliveries again, with the same ID and body. The server sends them while it runs."""
    if (delivery_id is None) != failed or (since is not None and not failed):
        raise typer.BadParameter("pass a delivery, or --failed with or without --since.")
    with open_target(data_dir) as target:
        if delivery_id is not None:
            replayed = target.webhooks.replay(webhook_id, delivery_id)
            facts, count = replayed, 1
        else:
            count = target.webhooks.replay_failed(webhook_id, since_ms(since, target.now_ms()))
            facts = {"count": count}
    if as_json:
        output.as_json(facts)
    else:
        output.say(f"{count} {'delivery' if count == 1 else 'deliveries'} will be sent again.")


def read_url() -> str:
    """A URL from the prompt, or the first line of stdin."""
    return getpass.getpass("URL: ") if sys.stdin.isatty() else sys.stdin.readline().strip()


def show_secret(made: Mapping[str, Any], as_json: bool) -> None:
    """Print a webhook's secret, which can't be shown again; without one, that it was added."""
    webhook, secret = made["webhook"], made["secret"]
    if as_json:
        output.as_json(dict(made))
    elif secret is None:
        output.say(
            f"Added {webhook['name']} ({webhook['id']}). Messages in the format {webhook['format']} aren't signed."
        )
    else:
        with output.catch_lost_secret(webhook["id"], "Rotate it: ari webhooks rotate-secret"):
            if output.at_terminal():
                output.panel(f"Signing secret of “{webhook['name']}” ({webhook['id']})", secret)
                output.say("Copy it now. You won't be able to see it again.")
            else:
                output.secret(secret)
        if not output.at_terminal():
            output.tell(f"This is the signing secret of “{webhook['name']}” ({webhook['id']}).")


def describe_state(webhook: Mapping[str, Any]) -> str:
    """``on``, ``failing`` or why it is off."""
    if not webhook["on"]:
        return f"off ({webhook['off_reason'].replace('_', ' ')})"
    return "on" if webhook["failing_since"] is None else "failing"


def _show(found: Mapping[str, Any], now_ms: int) -> None:
    pairs = [
        ("id", found["id"]),
        ("name", found["name"]),
        ("url", found["url"]),
        ("format", found["format"]),
        ("events", " ".join(found["events"])),
        ("state", describe_state(found)),
        ("reason", None if found["on"] else OFF_REASONS.get(found["off_reason"])),
        ("failing since", _exactly(found["failing_since"], now_ms)),
        ("last delivered", _exactly(found["last_delivered_at"], now_ms) or "never"),
        ("created", _exactly(found["created_at"], now_ms)),
        ("created by", found["created_by"]),
        ("url set by", found["url_set_by"]),
        ("old secret until", _exactly(found["old_secret_until"], now_ms)),
    ]
    output.facts([pair for pair in pairs if pair[1] is not None])


def _exactly(time: str | None, now_ms: int) -> str | None:
    return None if time is None else output.exactly(parse_time(time), now_ms)


def describe_result(one: Mapping[str, Any], now_ms: int) -> str:
    """Such as ``failed: The receiver returned status 500.``"""
    if one["state"] == "delivered":
        return f"delivered: status {one['status']}"
    if not one["error"]:
        return str(one["state"])
    next_ms = parse_time(one["next_attempt_at"])
    after = "" if next_ms is None else f" Next attempt {output.when(next_ms, now_ms)}."
    return f"{one['state']}: {one['error']}{after}"
