"""The audit log of the instance in the data directory."""

import time
from collections.abc import Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Literal

from ari.backups.audit_history import require_own_cursor
from ari.base import audit_feed, event_export
from ari.base.event_search import EventSearch, find_events, list_batches
from ari.cli import output
from ari.cli.event_filters import EventFilters
from ari.keys.event_subjects import describe_events

if TYPE_CHECKING:
    from ari.deps import Deps

_PAGE = 200


class LocalEvents:
    def __init__(self, deps: "Deps") -> None:
        self._deps = deps

    def list_newest(self, filters: EventFilters, limit: int) -> list[dict[str, Any]]:
        """At most ``limit`` matching events, newest first."""
        search = self._search(filters)
        size = min(limit, _PAGE)
        batches = list_batches(lambda before: self._deps.read_sync(find_events, search, before, size))
        events = list(islice(chain.from_iterable(batches), limit))
        return self._deps.read_sync(describe_events, events)

    def export(self, filters: EventFilters, form: Literal["csv", "jsonl"], *, bom: bool) -> Iterator[bytes]:
        """The pieces of a file with all matching events."""
        search = self._search(filters)
        self._deps.do_sync(event_export.record, form, search)
        size = event_export.EVENTS_A_PIECE
        batches = list_batches(lambda before: self._deps.read_sync(find_events, search, before, size))
        yield from event_export.pieces(form, batches, bom=bom, clean=output.clean)

    def collect(
        self, after_id: str | None, limit: int, wait_seconds: int, history: str | None = None
    ) -> Iterator[bytes]:
        """Lines of the next events after this one, and of the head at the end of the log. Waits if there are none."""
        self._deps.read_sync(require_own_cursor, after_id, history)
        if after_id is None:
            self._deps.do_sync(audit_feed.record_start)
        for _ in range(wait_seconds):
            if self._deps.read_sync(audit_feed.has_after, after_id):
                break
            time.sleep(1)
        yield from self._deps.read_sync(audit_feed.read_page, after_id, limit).to_lines()

    def _search(self, filters: EventFilters) -> EventSearch:
        return filters.build_search(self._deps.instance.now_ms())
