"""Counting what the hot path asks PostgreSQL for."""

from typing import Any, Literal

from ari.storage.lookups.postgres import PostgresBatchLookup


def count_keys(trips: PostgresBatchLookup[Any], what: Literal["ask", "rows"]) -> list[int]:
    """How many keys each call from now on is about: asked of ``ask``, or returned by a statement (``rows``)."""
    counts: list[int] = []
    called = getattr(trips, what)

    async def count_and_ask(*given: Any) -> Any:
        if what == "ask":
            counts.append(len(given[-1]))
        found = await called(*given)
        if what == "rows":
            counts.append(sum(row[-2] is not None for row in found))
        return found

    setattr(trips, what, count_and_ask)
    return counts
