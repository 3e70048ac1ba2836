"""The audit log of a remote instance. A key without the scope ``*`` sees events about keys only."""

from collections.abc import Iterator
from typing import Any, Literal

from ari.base.audit_lines import MAX_LINE_BYTES
from ari.base.clock import to_optional_rfc3339
from ari.cli.event_filters import EventFilters
from ari.cli.remote.connection import Connection
from ari.cli.remote.text_stream import clean_lines, split_lines


class RemoteEvents:
    def __init__(self, connection: Connection, now_ms: int) -> None:
        self._connection = connection
        self._now_ms = now_ms

    def list_newest(self, filters: EventFilters, limit: int) -> list[dict[str, Any]]:
        """At most ``limit`` matching events, newest first."""
        return self._connection.list_items("events", limit=limit, **self._query(filters))

    def export(self, filters: EventFilters, form: Literal["csv", "jsonl"], *, bom: bool) -> Iterator[bytes]:
        """The pieces of a file with all matching events."""
        query = self._query(filters)
        yield from clean_lines(self._connection.stream("events", "export", format=form, bom=bom, **query))

    def collect(
        self, after_id: str | None, limit: int, wait_seconds: int, history: str | None = None
    ) -> Iterator[bytes]:
        """Lines of the next events after this one, and of the head at the end of the log. Waits if there are none."""
        query = {"after": after_id, "limit": limit, "wait_seconds": wait_seconds, "history": history}
        yield from split_lines(self._connection.stream("events", "stream", **query), MAX_LINE_BYTES)

    def _query(self, filters: EventFilters) -> dict[str, str | None]:
        search = filters.build_search(self._now_ms)
        times = {"since": to_optional_rfc3339(search.since_ms), "until": to_optional_rfc3339(search.until_ms)}
        return filters.list_given() | times
