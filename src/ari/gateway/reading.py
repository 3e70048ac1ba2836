"""The token counts read from a response so far, and which of them are final."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ari.gateway.iterations import MAX_TOKENS, Iteration, add_up
from ari.usage.ai import TokenUsage


def count(value: Any) -> int | None:
    """The number of tokens, also if written as ``7.0`` or ``"7"``. ``None`` for anything else."""
    if type(value) is int:  # almost every count
        return value if 0 <= value <= MAX_TOKENS else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_TOKENS:
        return None
    return int(value) if value == int(value) else None


def first_count(*values: Any) -> int | None:
    """The first of these that is a number of tokens."""
    for value in values:
        if value is not None and (found := count(value)) is not None:
            return found
    return None


def count_up(value: Any) -> int | None:
    """The same for an amount that may have decimals, such as seconds: rounded up."""
    is_decimal = isinstance(value, float) and 0 <= value <= MAX_TOKENS
    return math.ceil(value) if is_decimal else count(value)


class UsageReading:
    """Filled by the readers of each format.

    ``output_final``: ``output_tokens`` is the final count, not the count so far. ``ended``: the response itself said
    that it is over. ``must_end``: it isn't whole without its end, which has not come yet. ``failed``: it reports an
    error. ``iterations`` are the calls of models that the response lists. ``details`` and ``price_context`` are those
    of ``TokenUsage``.
    """

    __slots__ = (
        "cache_read",
        "cache_written",
        "cached_tokens",
        "details",
        "ended",
        "failed",
        "input_tokens",
        "iterations",
        "model",
        "must_end",
        "output_final",
        "output_tokens",
        "price_context",
        "reasoning_tokens",
        "uncached",
    )

    def __init__(self) -> None:
        self.model: str | None = None
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.cached_tokens: int | None = None
        self.reasoning_tokens: int | None = None
        self.details: dict[str, int] = {}
        self.price_context: dict[str, str] = {}
        # Anthropic counts three kinds of input, and may correct each of them later.
        self.uncached: int | None = None
        self.cache_read: int | None = None
        self.cache_written: int | None = None
        self.iterations: Sequence[Iteration] = ()
        self.output_final = False
        self.ended = False
        self.must_end = False
        self.failed = False

    def end(self) -> None:
        """The response is over, so the counts so far are final."""
        self.ended = self.output_final = True

    def set_model(self, value: Any) -> None:
        """Store the name of the model that the response reports."""
        if isinstance(value, str) and value:
            self.model = value

    def add_details(self, given: Any, kinds: Mapping[str, str]) -> None:
        """Store the amounts of a provider's object, whose members have the names in ``kinds``."""
        if isinstance(given, dict):
            for name in kinds.keys() & given.keys():
                found = count_up(given[name])
                if found is not None:
                    self.details[kinds[name]] = found

    def usage(self, whole: bool) -> TokenUsage:
        """What to log; ``whole``: all of the response came. A count that is not final is the least."""
        final = self.output_final or whole
        found = TokenUsage(
            self.model,
            self.input_tokens,
            self.output_tokens,
            self.cached_tokens,
            self.cache_written,
            self.reasoning_tokens,
            self.details,
            tuple(self.price_context.items()),
        )
        if self.iterations:
            found = add_up(found, self.iterations)
        if final:
            return found
        least = found.output_tokens
        return replace(found, output_tokens=None, reasoning_tokens=None, parts=(), least_output_tokens=least)
