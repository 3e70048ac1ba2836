"""``ari keys verify``: whether a key is valid, as ``POST /api/verify`` decides."""

import getpass
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ari.base.clock import in_words
from ari.base.errors import Invalid, Problem
from ari.cli import output
from ari.cli.key_output import describe_limit
from ari.cli.options import AsJson, DataDir
from ari.cli.targets import open_target
from ari.cli.time_args import parse_time, whole_number

NOT_VALID = 3
"""Exit status for a key that isn't valid; 1 means that ARI couldn't decide."""
MAX_BYTES = 4_096

RequiredScopes = Annotated[
    list[str] | None,
    typer.Option("--scope", metavar="SCOPE", help="Scope the key must have (repeatable).", show_default=False),
]
ClientAddress = Annotated[
    str | None,
    typer.Option("--address", metavar="IP", help="IP address the key is used from.", show_default=False),
]
Cost = Annotated[
    int,
    typer.Option(
        "--cost",
        metavar="UNITS",
        parser=whole_number(0, 1_000_000),
        help="Units to consume from limits and credits; 0 only reads.",
    ),
]
ConsumedLimits = Annotated[
    list[str] | None,
    typer.Option("--limit", metavar="NAME", help="Limit to consume (repeatable); default: all.", show_default=False),
]


def verify(
    scope: RequiredScopes = None,
    address: ClientAddress = None,
    cost: Cost = 0,
    limit: ConsumedLimits = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Verify a key, read from a prompt or stdin. Exits with 3 if it isn't valid.

    The check is in the key's usage log. Without --cost, it consumes nothing.
    """
    with open_target(data_dir) as target:
        verdict = target.keys.verify(_read_token(), scope or [], address, cost, limit)
        now_ms = target.now_ms()
    if as_json:
        output.as_json(verdict)
    else:
        output.facts(_list_facts(verdict, now_ms))
    if not verdict["valid"]:
        raise typer.Exit(NOT_VALID)


def _list_facts(verdict: Mapping[str, Any], now_ms: int) -> list[tuple[str, Any]]:
    key = verdict["key"]
    pairs: list[tuple[str, Any]] = [("valid", "yes" if verdict["valid"] else "no"), ("verdict", verdict["code"])]
    if key is not None:
        pairs += [
            ("name", key["name"]),
            ("id", key["id"]),
            ("prefix", key["hint"]),
            ("scopes", " ".join(key["scopes"])),
            ("expires", output.exactly(parse_time(key["expires_at"]), now_ms)),
        ]
        if key["secret_retires_at"] is not None:
            pairs.append(("secret retires", output.exactly(parse_time(key["secret_retires_at"]), now_ms)))
        if key["consumer"] is not None:
            pairs.append(("consumer", f"{key['consumer']['name']} ({key['consumer']['id']})"))
    pairs += [(one["name"], describe_limit(one)) for one in verdict["limits"]]
    if verdict["exceeded"] is not None:
        pairs.append(("used up", verdict["exceeded"]))
    if verdict["retry_after_seconds"] is not None:
        pairs.append(("try again in", in_words(verdict["retry_after_seconds"])))
    return pairs


def _read_token() -> str:
    """The key, never from an argument: other users can list those."""
    asks = sys.stdin.isatty()
    text = getpass.getpass("Key: ") if asks else sys.stdin.readline(MAX_BYTES + 2).rstrip("\r\n")
    if not 0 < len(text.encode("utf-8", "replace")) <= MAX_BYTES:
        raise Invalid(Problem("key", "Enter one key, or pass it on standard input."))
    return text
