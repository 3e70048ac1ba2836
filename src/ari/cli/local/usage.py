"""The usage log in the data directory."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ari import keys
from ari.base.clock import to_optional_rfc3339
from ari.cli import output
from ari.cli.local.find_key import find_key
from ari.cli.usage_options import StatisticsOptions, UsageOptions
from ari.keys.queries import get_names_with_consumers
from ari.usage.ai import AiUse
from ari.usage.model import UsageRow
from ari.usage.reports import ai_summary, summary
from ari.usage.reports import export as file
from ari.usage.reports.facts import row_facts
from ari.usage.search import UsageSearch

if TYPE_CHECKING:
    from ari.deps import Deps

_PIECE = 1_000


class LocalUsage:
    def __init__(self, deps: "Deps") -> None:
        self._deps = deps
        self.overlap_ms = round(2000 * deps.instance.settings.usage_wait_seconds)
        self.complete_until: str | None = None
        """Before when all requests were on the page or in the file that was read last; ``None`` if all were."""

    def read_page(
        self, query: UsageOptions, since_ms: int | None, cursor: str | None, limit: int
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Matching rows, newest first, and the cursor of those before them. ``since_ms`` replaces that of the query."""
        search = self._search(query)
        if since_ms is not None:
            search = search.within(since_ms, search.where.until_ms)
        until = self._complete_until()
        found = self._deps.instance.reports.search(search, cursor, limit)
        self.complete_until = until
        return [row_facts(row) for row in found.rows], found.next_before

    def export(self, query: UsageOptions, form: Literal["csv", "json"], *, bom: bool) -> Iterator[bytes]:
        """The pieces of a file with all matching rows."""
        search = self._search(query)
        self._deps.do_sync(file.record, form, search)
        self.complete_until = self._complete_until()
        batches = self._deps.instance.reports.pages(search, _PIECE)
        rows = _harmless(batches) if form == "csv" else batches
        yield from file.pieces(
            form, rows, lambda key_ids: self._deps.read_sync(get_names_with_consumers, key_ids), bom=bom
        )

    def summarize(self, wanted: StatisticsOptions) -> dict[str, Any]:
        """Requests by time, code and key, or, with a key, those of the key by route."""
        until = self._complete_until()
        return {**self._summarize(wanted), "complete_until": until}

    def _summarize(self, wanted: StatisticsOptions) -> dict[str, Any]:
        span, reports = wanted.build_span(self._deps.instance.now_ms()), self._deps.instance.reports
        if wanted.query.key is not None:
            return summary.key_summary_facts(summary.of_key(reports, self._find_id(wanted.query.key), span))
        group = self._deps.read_sync(keys.find_group, wanted.query.consumer, wanted.query.tag)
        key_ids = None if group is None else group.key_ids
        found = summary.of_some(reports, span, key_ids)
        names = self._deps.read_sync(keys.get_names, [one.key_id for one in found.top.shown])
        groups: list[dict[str, Any]] | None = None
        if wanted.group_by is not None:
            by: Any = wanted.group_by
            members = self._deps.read_sync(keys.list_groups_of_keys, by)
            counted = summary.count_groups(reports, span, key_ids, members)
            names_of = self._deps.read_sync(keys.name_groups, by, [one.name for one in counted])
            groups = summary.group_facts(counted, names_of)
        return summary.summary_facts(found, names, groups)

    def summarize_ai(self, wanted: StatisticsOptions) -> dict[str, Any]:
        """Requests and tokens by time, provider, model and, without a key, by key."""
        until = self._complete_until()
        return {**self._summarize_ai(wanted), "complete_until": until}

    def _complete_until(self) -> str | None:
        return to_optional_rfc3339(self._deps.instance.reports.complete_until_ms())

    def _summarize_ai(self, wanted: StatisticsOptions) -> dict[str, Any]:
        span, reports = wanted.build_span(self._deps.instance.now_ms()), self._deps.instance.reports
        if wanted.query.key is not None:
            found = ai_summary.of_span(reports, span, self._find_id(wanted.query.key))
            return ai_summary.ai_summary_facts(found, None)
        group = self._deps.read_sync(keys.find_group, wanted.query.consumer, wanted.query.tag)
        key_ids = None if group is None else group.key_ids
        found = ai_summary.of_span(reports, span, None, key_ids)
        names = self._deps.read_sync(keys.get_names, [one.name for one in found.keys])
        groups: list[dict[str, Any]] | None = None
        if wanted.group_by is not None:
            by: Any = wanted.group_by
            members = self._deps.read_sync(keys.list_groups_of_keys, by)
            counted = ai_summary.count_groups(reports, span, key_ids, members)
            names_of = self._deps.read_sync(keys.name_groups, by, [one.name for one in counted])
            groups = ai_summary.ai_group_facts(counted, names_of)
        return ai_summary.ai_summary_facts(found, names, groups)

    def _search(self, query: UsageOptions) -> UsageSearch:
        group = self._deps.read_sync(keys.find_group, query.consumer, query.tag)
        key_id = None if query.key is None else self._find_id(query.key)
        return replace(query.build_search(self._deps.instance.now_ms(), key_id), group=group)

    def _find_id(self, key: str) -> str:
        """The ID of a key, also by its name. Deleted keys count too: their usage stays readable."""
        return self._deps.read_sync(find_key, key, even_deleted=True).id


def _harmless(batches: Iterable[list[UsageRow]]) -> Iterator[list[UsageRow]]:
    """Clean text from callers, so that it can't control a terminal (security.md 22). JSON is ASCII anyway."""
    for rows in batches:
        yield [
            msgspec.structs.replace(
                row,
                request_id=output.clean(row.request_id),
                method=output.clean(row.method),
                path=output.clean(row.path),
                route=output.clean(row.route),
                key_hint=output.clean(row.key_hint),
                user_agent=None if row.user_agent is None else output.clean(row.user_agent),
                client_address=None if row.client_address is None else output.clean(row.client_address),
                ai=None if row.ai is None else _harmless_use(row.ai),
            )
            for row in rows
        ]


def _harmless_use(use: AiUse) -> AiUse:
    return use if use.model is None else msgspec.structs.replace(use, model=output.clean(use.model))
