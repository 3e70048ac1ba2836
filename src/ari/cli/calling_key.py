"""``ari me``: the key with which the command line calls a remote instance."""

from typing import Annotated

import typer

from ari.cli import output
from ari.cli.command_app import CommandApp
from ari.cli.options import AsJson, Yes
from ari.cli.rotation import Overlap, RetireOldNow, show_rotated
from ari.cli.targets import open_remote
from ari.cli.time_args import parse_time
from ari.keys.overlap import DEFAULT_OVERLAP, parse_overlap

app = CommandApp(no_args_is_help=True)


@app.command()
def show(as_json: AsJson = False) -> None:
    """Show which key the command line uses for a remote instance. It needs no scope."""
    with open_remote() as target:
        found, now_ms = target.me.get(), target.now_ms()
    if as_json:
        output.as_json(found)
        return
    key = found["key"]
    pairs = [
        ("instance", target.url),
        ("name", key["name"]),
        ("id", key["id"]),
        ("prefix", key["hint"]),
        ("scopes", " ".join(key["scopes"])),
        ("expires", output.exactly(parse_time(key["expires_at"]), now_ms)),
        ("rotates itself", "yes" if key["may_rotate"] else "no"),
        ("secret", found["secret_number"]),
    ]
    if found["secret_retires_at"] is not None:
        pairs.append(("secret retires", output.exactly(parse_time(found["secret_retires_at"]), now_ms)))
    output.facts(pairs)


@app.command()
def rotate(
    overlap: Overlap = DEFAULT_OVERLAP,
    retire_old_now: RetireOldNow = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Give this key a new secret and print it once, if the key may rotate itself. When piped, prints only the secret.

    The old secret works until the overlap ends. Store the new one before that.
    """
    stops_now = not parse_overlap(overlap)
    with open_remote() as target:
        if stops_now or retire_old_now:
            which = "The current secret" if stops_now else "A secret that is still in its overlap"
            output.confirm(f"Rotate this key? {which} stops working immediately. This can't be undone.", yes=yes)
        show_rotated(target, target.me.rotate(overlap, retire_old_now), as_json)


@app.command()
def revoke(
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Reason, for the audit log.", show_default=False)
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Permanently revoke this key, effective immediately: use it if the key leaked."""
    with open_remote() as target:
        output.confirm(
            "Revoke the key that you call with? It stops working immediately. This can't be undone.", yes=yes
        )
        revoked = target.me.revoke(reason)
    output.as_json(revoked) if as_json else output.say(f"Revoked {revoked['hint']} ({revoked['id']}).")
