"""Queries on the usage log that need no more than its port, for doors to run with ``Deps.report``."""

from ari.usage.ports import UsageReader
from ari.usage.search import SearchPage, UsageSearch


def find_rows(reader: UsageReader, search: UsageSearch, before_id: str | None, limit: int) -> SearchPage:
    """At most ``limit`` matching rows, newest first."""
    return reader.search(search, before_id, limit)


def last_uses(reader: UsageReader) -> dict[str, int]:
    """When each AI provider was last used, in milliseconds since the epoch."""
    return reader.ai_last_used()
