"""The filters of ``ari usage`` and ``ari usage export``, the same as those of the API and the pages."""
# Imports inside functions here: start-up speed.

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ari.base.errors import Invalid
from ari.cli.time_args import instant
from ari.cli.time_args import since as since_ms
from ari.keys.groups import KeyGroup
from ari.usage.search import UsageSearch, parse_search

if TYPE_CHECKING:
    from ari.instance import Instance

Key = Annotated[str | None, typer.Option("--key", metavar="ID", help="Filter by key (ID or prefix).")]
Code = Annotated[
    str | None, typer.Option("--code", metavar="CODE", help="Filter by the verdict on the key: ok, or an error code.")
]
Status = Annotated[
    str | None, typer.Option("--status", metavar="404|4xx|none", help="Filter by HTTP status of the response.")
]
Method = Annotated[str | None, typer.Option("--method", metavar="GET", help="Filter by HTTP method.")]
Address = Annotated[str | None, typer.Option("--address", metavar="ADDRESS", help="Filter by client IP address.")]
Source = Annotated[
    str | None,
    typer.Option("--source", metavar="request|verify", help="Filter by source; verify: a service asked about the key."),
]
Text = Annotated[
    str | None, typer.Option("--text", metavar="TEXT", help="Search in path, route, IP address and user agent.")
]
Consumer = Annotated[
    str | None,
    typer.Option("--consumer", metavar="ID", help="Only keys of this consumer: name, ID or external ID."),
]
Tag = Annotated[str | None, typer.Option("--tag", metavar="TAG", help="Only keys with this tag.")]
Since = Annotated[str | None, typer.Option("--since", metavar="24h|TIME", help="Only since this time.")]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Only before this time.")]


def build_search(
    instance: "Instance",
    key: str | None,
    group: KeyGroup | None,
    since: str | None,
    until: str | None,
    **filters: str | None,
) -> UsageSearch:
    """The search for these options. Raises ``typer.BadParameter`` that names the option, and ``NotFound``."""
    from ari.cli.key_output import key_id_of

    key_id = None if key is None else key_id_of(instance, key)
    try:
        search = parse_search(filters, key_id, since_ms(since, instance.now_ms()), instant(until, "--until"))
        return replace(search, group=group)
    except Invalid as error:
        problem = error.problems[0]
        hint = f"--{'text' if problem.location == 'q' else problem.location}"
        raise typer.BadParameter(problem.message, param_hint=hint) from None
