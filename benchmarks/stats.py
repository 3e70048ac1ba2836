"""Medians with their spread, and readable numbers."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """The median of some rounds with their minimum and maximum."""

    median: float
    least: float
    most: float


def spread(values: Sequence[float]) -> Spread:
    """The spread of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def number(value: float) -> str:
    """A number with three significant digits: 12,345 · 123 · 12.3 · 1.23 · 0.0012."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"


def ranged(found: Spread, unit: str = "") -> str:
    """``median (least – most)``."""
    return f"{number(found.median)}{unit} ({number(found.least)} – {number(found.most)})"
