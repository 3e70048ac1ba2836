"""The usage part of a key's page: its numbers, and the log."""

from dataclasses import dataclass

from starlette.requests import Request

from ari.base.deadline import run_in_thread
from ari.http.context import deps_of
from ari.instance import Instance
from ari.keys.reasons import ACCEPTED
from ari.usage import addresses, spans
from ari.usage.model import MANY, KeyClient, KeyTotals
from ari.usage.ports import UsageReader
from ari.usage.reports import ai_summary, summary
from ari.usage.reports.ai_summary import AiSummary
from ari.usage.reports.summary import KeySummary
from ari.web import words
from ari.web.ai_use import AiView, build_ai_view
from ari.web.charts import BarChart, draw_bars
from ari.web.pages.key import urls
from ari.web.pages.usage_log.view import UsageLog, read_usage_log
from ari.web.usage_query import UsageQuery, parse_usage_query

STATUS_ROWS = 2_000
"""HTTP statuses have no rollup: they are counted in this many of the newest rows."""
SEEN_LISTED = 10
_SEEN_READ = 200
_ROUTE_WORDS = {MANY: "Multiple routes (flood)", "(none)": "Unknown route"}


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """The usage part of the page; ``addresses`` and ``agents`` cover all time, not only this span."""

    query: UsageQuery
    summary: KeySummary
    chart: BarChart
    statuses: list[tuple[int | None, int]]
    addresses: list[KeyClient]
    agents: list[KeyClient]
    new_addresses: list[KeyClient]
    log: UsageLog
    ai: AiView | None
    """Its use of the AI gateway in this span."""

    def results(self) -> list[tuple[str, int, str]]:
        """Results: name, count, and the kind that colors it."""
        return [
            (words.outcome(code), count, "accepted" if code == ACCEPTED else "refused")
            for code, count in self.summary.counts.codes
        ]

    def routes(self, most: int) -> list[tuple[str, int, str]]:
        """The most requested routes, and the others together."""
        every = [(one.route, one.accepted_count + one.refused_count) for one in self.summary.routes]
        named, others = spans.top(every, most)
        rows = [(_ROUTE_WORDS.get(route, route), count, "accepted") for route, count in named]
        return [*rows, ("Other", others, "other")] if others else rows

    def http_statuses(self) -> list[tuple[str, int, str]]:
        """Statuses as text; those from 400 on are colored."""
        return [
            (
                "pending" if status is None else str(status),
                count,
                "refused" if (status or 0) >= 400 else "accepted",
            )
            for status, count in self.statuses
        ]

    @property
    def many_rows(self) -> bool:
        """Whether the span has more requests than the rows whose statuses were counted."""
        return self.summary.counts.accepted + self.summary.counts.refused > sum(count for _, count in self.statuses)


def read_usage(
    reader: UsageReader, query: UsageQuery, key_id: str
) -> tuple[KeySummary, list[tuple[int | None, int]], AiSummary]:
    """The numbers of one key in this span, its newest HTTP statuses, and its use of AI providers."""
    statuses = reader.newest_statuses(query.search(key_id).within_span_only(), STATUS_ROWS)
    return summary.of_key(reader, key_id, query.span), statuses, ai_summary.of_span(reader, query.span, key_id)


async def usage_of(instance: Instance, request: Request, key_id: str, totals: KeyTotals) -> KeyUsage:
    """Read the usage part of the page."""
    now_ms = instance.now_ms()
    query = parse_usage_query(request, now_ms, urls.page(key_id))
    ever = totals.request_count + totals.refused_count > 0
    log = await read_usage_log(request, query, key_id, now_ms, ever)
    numbers, statuses, used = await deps_of(request).report(read_usage, query, key_id)
    seen = await run_in_thread(instance.usage_records.addresses, key_id, _SEEN_READ)
    agents = await run_in_thread(instance.usage_records.agents, key_id, _SEEN_READ)
    new = addresses.new_addresses(seen, totals.first_used_at_ms, now_ms)
    chart = draw_bars(numbers.counts)
    ai = build_ai_view(used, {}, currency=instance.settings.currency)
    return KeyUsage(query, numbers, chart, statuses, seen, agents, new, log, ai)
