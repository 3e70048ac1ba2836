"""The keys, times and filters of the commands about usage, as options give them."""

from dataclasses import dataclass, field
from typing import Any

import typer

from ari.base.clock import DAY_MS
from ari.base.errors import Invalid
from ari.cli.time_args import instant
from ari.cli.time_args import since as since_ms
from ari.usage import spans
from ari.usage.search import UsageSearch, parse_search
from ari.usage.spans import Span

_DEFAULT_MS = 7 * DAY_MS


@dataclass(frozen=True)
class UsageOptions:
    """Options of ``ari usage``; ``filters`` have the names of the API."""

    key: str | None = None
    consumer: str | None = None
    tag: str | None = None
    since: str | None = None
    until: str | None = None
    filters: dict[str, str | None] = field(default_factory=dict)

    def build_search(self, now_ms: int, key_id: str | None = None) -> UsageSearch:
        """The search for these options, without the consumer and the tag.

        Raises ``typer.BadParameter`` that names the option.
        """
        try:
            return parse_search(self.filters, key_id, since_ms(self.since, now_ms), instant(self.until, "--until"))
        except Invalid as error:
            problem = error.problems[0]
            hint = f"--{'text' if problem.location == 'q' else problem.location}"
            raise typer.BadParameter(problem.message, param_hint=hint) from None


@dataclass(frozen=True)
class StatisticsOptions:
    """Options of statistics: whose requests, when, and how they are divided."""

    query: UsageOptions
    by: Any = None
    time_zone: str | None = None
    group_by: str | None = None

    def build_span(self, now_ms: int) -> Span:
        """The span from ``--since`` to ``--until``, widened to whole hours. Raises ``typer.BadParameter``."""
        until_ms = instant(self.query.until, "--until") or now_ms + 1
        begin_ms = since_ms(self.query.since, now_ms) or until_ms - _DEFAULT_MS
        zone = spans.zone_name(self.time_zone)
        if self.time_zone not in (None, zone):
            raise typer.BadParameter("use the name of a time zone, such as Europe/Berlin.", param_hint="--time-zone")
        return spans.between(begin_ms, until_ms, zone, self.by)

    def require_one_of_key_and_group(self) -> None:
        """Raise ``typer.BadParameter`` for a key together with a consumer or a tag."""
        if self.query.key is not None and (self.query.consumer is not None or self.query.tag is not None):
            raise typer.BadParameter("pass --key, or --consumer and --tag.")
