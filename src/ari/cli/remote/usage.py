"""The usage log of a remote instance."""

from collections.abc import Iterator
from typing import Any, Literal

from ari.base.clock import to_optional_rfc3339, to_rfc3339
from ari.base.ids import is_id
from ari.cli.remote.connection import Connection
from ari.cli.remote.consumers import RemoteConsumers
from ari.cli.remote.keys import RemoteKeys
from ari.cli.remote.text_stream import clean_lines
from ari.cli.usage_options import StatisticsOptions, UsageOptions

_OVERLAP_MS = 10_000
"""How far a following list looks back; it also covers clocks that differ a little."""


class RemoteUsage:
    def __init__(self, connection: Connection, now_ms: int) -> None:
        self._connection = connection
        self._keys = RemoteKeys(connection)
        self._consumers = RemoteConsumers(connection)
        self._now_ms = now_ms
        self.overlap_ms = _OVERLAP_MS
        self.complete_until: str | None = None
        """Before when all requests were on the page or in the file that was read last; ``None`` if all were."""

    def read_page(
        self, query: UsageOptions, since_ms: int | None, cursor: str | None, limit: int
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Matching rows, newest first, and the cursor of those before them. ``since_ms`` replaces that of the query."""
        path, given = self._describe_rows(query)
        if since_ms is not None:
            given["since"] = to_rfc3339(since_ms)
        page = self._connection.get(*path, limit=limit, cursor=cursor, **given)
        self.complete_until = page.get("complete_until")
        return page["items"], page["next_cursor"]

    def export(self, query: UsageOptions, form: Literal["csv", "json"], *, bom: bool) -> Iterator[bytes]:
        """The pieces of a file with all matching rows."""
        path, given = self._describe_rows(query)
        self.complete_until = self._connection.get(*path, limit=1).get("complete_until")
        yield from clean_lines(self._connection.stream(*path, "export", format=form, bom=bom, **given))

    def summarize(self, wanted: StatisticsOptions) -> dict[str, Any]:
        """Requests by time, code and key, or, with a key, those of the key by route."""
        return self._summarize("summary", wanted)

    def summarize_ai(self, wanted: StatisticsOptions) -> dict[str, Any]:
        """Requests and tokens by time, provider, model and, without a key, by key."""
        return self._summarize("ai", wanted)

    def _summarize(self, name: str, wanted: StatisticsOptions) -> dict[str, Any]:
        span = wanted.build_span(self._now_ms)
        path, given = self._describe_keys(wanted.query)
        given |= {"since": to_rfc3339(span.since_ms), "until": to_rfc3339(span.until_ms)}
        given |= {"by": wanted.by, "time_zone": wanted.time_zone, "group_by": wanted.group_by}
        return self._connection.get(*path, name, **given)

    def _describe_rows(self, query: UsageOptions) -> tuple[list[str], dict[str, str | None]]:
        where = query.build_search(self._now_ms).where
        path, given = self._describe_keys(query)
        times = {"since": to_optional_rfc3339(where.since_ms), "until": to_optional_rfc3339(where.until_ms)}
        return path, given | query.filters | times

    def _describe_keys(self, query: UsageOptions) -> tuple[list[str], dict[str, str | None]]:
        """The path of the log, that of one key's own for one key, and whose rows it has."""
        consumer = self._consumers.find_id_of_keys(query.consumer)
        group = {"consumer": consumer, "tag": query.tag}
        if query.key is None:
            return ["usage"], group
        key_id = query.key if is_id("key", query.key) else str(self._keys.find(query.key)["id"])
        if consumer is None and query.tag is None:
            return ["keys", key_id, "usage"], {}
        return ["usage"], group | {"key_id": key_id}
