"""Counting what the hot path asks PostgreSQL for."""

from typing import Any, Literal

from ari.storage.lookups.postgres import PostgresBatchLookup


def count_keys(trips: PostgresBatchLookup[Any], what: Literal["ask", "rows"]) -> list[int]:
    """How many keys each call from now on is about: of ``ask``, or of the statements below it (``rows``)."""
    counts: list[int] = []
    called = getattr(trips, what)

    async def count_and_ask(*given: Any) -> Any:
        counts.append(len(given[-1]))
        return await called(*given)

    setattr(trips, what, count_and_ask)
    return counts
