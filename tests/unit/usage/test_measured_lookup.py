"""A measured lookup finds what the lookup finds, and counts times and failures."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from ari.base.errors import Unavailable
from ari.metrics import catalog
from ari.metrics.recording import Metrics
from ari.usage.measured_lookup import MeasuredLookup
from ari.usage.model import NO_USE, KeyTotals


class _Lookup:
    reads_at_once = True
    fault: Exception | None = None

    async def find(self, _digest: bytes) -> Any:
        if self.fault is not None:
            raise self.fault
        return "found"

    async def has_imported(self) -> bool:
        return True

    async def find_undeclared(self, scopes: Sequence[str]) -> set[str]:
        return set(scopes)

    async def totals(self, _key_id: str) -> KeyTotals:
        return NO_USE

    async def check(self) -> None:
        if self.fault is not None:
            raise self.fault

    async def close(self) -> None:
        self.reads_at_once = False


def _read(metrics: Metrics, family: catalog.Family) -> list[int]:
    start = metrics.layout.find(family)
    return metrics.add_up()[start : start + family.width]


def test_what_is_found_passes_and_its_time_is_counted() -> None:
    """Measuring changes nothing about a verification."""
    metrics, lookup = Metrics(), _Lookup()
    measured = MeasuredLookup(lookup, metrics)

    async def ask() -> list[object]:
        answers: list[object] = [
            await measured.find(b""),
            await measured.has_imported(),
            await measured.find_undeclared(["orders:read"]),
            await measured.totals("key"),
        ]
        await measured.check()
        await measured.close()
        return answers

    assert asyncio.run(ask()) == ["found", True, {"orders:read"}, NO_USE]
    assert sum(_read(metrics, catalog.LOOKUPS)[:-1]) == 1
    assert _read(metrics, catalog.DATABASE_ERRORS) == [0]
    assert not lookup.reads_at_once


def test_failures_are_counted_and_raised() -> None:
    """A database that is gone shows in the metrics, and no key is accepted."""
    metrics, lookup = Metrics(), _Lookup()
    lookup.fault = Unavailable("down")
    measured = MeasuredLookup(lookup, metrics)
    for ask in (measured.find(b""), measured.check()):
        with pytest.raises(Unavailable):
            asyncio.run(ask)
    assert _read(metrics, catalog.DATABASE_ERRORS) == [2]
    assert sum(_read(metrics, catalog.LOOKUPS)[:-1]) == 1
