"""The filters of ``ari events list`` and ``ari events export``, the same as those of the API and the page."""

from dataclasses import dataclass
from typing import Annotated

import typer

from ari.base.errors import Invalid
from ari.base.event_search import DOORS, EventSearch, parse_event_search
from ari.cli.time_args import instant
from ari.cli.time_args import since as since_ms

Names = Annotated[
    list[str] | None,
    typer.Option("--name", metavar="NAME", help="Filter by event name (repeatable).", show_default=False),
]
Actor = Annotated[
    str | None,
    typer.Option("--actor", metavar="ID", help="Filter by the account, key or cli:USER that caused the event."),
]
Subject = Annotated[
    str | None, typer.Option("--subject", metavar="ID", help="Only events about this ID.", show_default=False)
]
Door = Annotated[
    str | None, typer.Option("--door", metavar="|".join(DOORS), help="Filter by where the event was caused.")
]
Address = Annotated[str | None, typer.Option("--address", metavar="ADDRESS", help="Filter by client IP address.")]
RequestId = Annotated[str | None, typer.Option("--request-id", metavar="ID", help="Filter by request ID.")]
Text = Annotated[
    str | None,
    typer.Option("--text", metavar="TEXT", help="Search in name, actor, subject, address, user agent and details."),
]
Since = Annotated[str | None, typer.Option("--since", metavar="24h|TIME", help="Only since this time.")]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Only before this time.")]


@dataclass(frozen=True)
class EventFilters:
    """The values of these options."""

    names: list[str] | None
    actor: str | None
    subject: str | None
    door: str | None
    address: str | None
    request_id: str | None
    text: str | None
    since: str | None
    until: str | None

    def list_given(self) -> dict[str, str | None]:
        """The filters but the times, under their names in the API."""
        return {
            "name": ",".join(self.names) if self.names else None,
            "actor": self.actor,
            "subject": self.subject,
            "door": self.door,
            "address": self.address,
            "request_id": self.request_id,
            "q": self.text,
        }

    def build_search(self, now_ms: int) -> EventSearch:
        """The search for these options. Raises ``typer.BadParameter`` that names the option."""
        try:
            return parse_event_search(self.list_given(), since_ms(self.since, now_ms), instant(self.until, "--until"))
        except Invalid as error:
            problem = error.problems[0]
            hint = {"q": "--text", "request_id": "--request-id"}.get(problem.location, f"--{problem.location}")
            raise typer.BadParameter(problem.message, param_hint=hint) from None
