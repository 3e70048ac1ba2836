"""AI use: tokens and times of AI gateway requests. Numbers that a provider did not report are unknown, not guessed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from ari.keys.limits.charge import Settlement

Ended = Literal["complete", "client_gone", "cut", "error", "timed_out", "unreachable", "refused"]
"""``client_gone``: the caller disconnected; ``cut``: the provider stopped in the middle of its response; ``error``: it
reported an error in a response with a good status; ``timed_out`` and ``unreachable``: no response began; ``refused``:
ARI refused the request, which no provider received and no sum counts."""

_KINDS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cached_tokens",
    "cache_write_tokens": "cache_written_tokens",
    "output_reasoning_tokens": "reasoning_tokens",
}
_AUDIO_KINDS = ("input_audio_tokens", "output_audio_tokens")


class TokenUsage(msgspec.Struct, frozen=True):
    """The usage that a provider's response reports.

    ``input_tokens`` counts all tokens read: ``cached_tokens`` of them were read from a cache, ``cache_written_tokens``
    written to one. ``output_tokens`` counts all tokens generated, including ``reasoning_tokens``. ``details`` are other
    amounts that have a price, by the names that ``genai-prices`` gives them, such as ``input_audio_tokens`` and
    ``web_searches``. ``price_context`` is what selects a price, such as ``(("service_tier", "flex"),)``. ``parts`` are
    the calls of models whose sum this is, if the provider reports each: every one costs what its own model does.
    ``least_output_tokens`` is the count so far of a response that ended before it reported the final one.
    """

    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_written_tokens: int | None = None
    reasoning_tokens: int | None = None
    details: Mapping[str, int] = {}
    price_context: tuple[tuple[str, str], ...] = ()
    parts: tuple["TokenUsage", ...] = ()
    least_output_tokens: int | None = None

    def amount(self, kind: str) -> int | None:
        """The amount of one kind of usage, by the library's name. ``None`` if it is unknown."""
        name = _KINDS.get(kind)
        if name is None:
            return self.details.get(kind)
        found: int | None = getattr(self, name)
        return found

    @property
    def audio_tokens(self) -> int | None:
        """Audio tokens read and generated."""
        known = [self.details[kind] for kind in _AUDIO_KINDS if kind in self.details]
        return sum(known) if known else None


UNKNOWN_USAGE = TokenUsage()


class AiUse(msgspec.Struct, frozen=True):
    """One request to a provider; ``id`` is its usage row's.

    ``provider_status`` is ``None`` without a response. ``first_byte_ms`` and ``whole_ms`` are the time from the
    request's arrival to the first and the last byte of the provider's response.

    ``cost_micros`` is in millionths of a US dollar, ``None`` if the price or the tokens are unknown; ``price_version``
    names the prices that gave it. With ``is_estimated``, the tokens or the cost are an estimate, since the provider
    reported none. ``cache_written_tokens`` and ``audio_tokens`` are among the input and output tokens,
    ``reasoning_tokens`` among the output tokens. ``alias`` is the name that the caller used for the model, and
    ``attempts`` is a JSON list of the calls to providers, if there was more than one.

    ``settlement`` replaces what the request has reserved from budgets, in the commit that writes the use.
    """

    id: str
    at_ms: int
    key_id: str
    provider: str
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    provider_status: int | None
    first_byte_ms: float | None
    whole_ms: float
    ended: Ended
    cost_micros: int | None = None
    price_version: str | None = None
    is_estimated: bool = False
    cache_written_tokens: int | None = None
    audio_tokens: int | None = None
    reasoning_tokens: int | None = None
    alias: str | None = None
    attempts: str | None = None
    settlement: Settlement | None = None


AiBy = Literal["key", "provider", "model"]


@dataclass(frozen=True, slots=True)
class AiSpan:
    """Whole hours, ``since_ms`` ≤ at < ``until_ms``, of one key, of some (``key_ids``), or of all."""

    since_ms: int
    until_ms: int
    key_id: str | None = None
    key_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class AiSums:
    """``failed_count`` requests got no good response; ``told_count`` are those with known token counts.

    ``cost_micros``, in millionths of a US dollar, covers the ``priced_count`` requests with a known cost; the tokens or
    the cost of ``estimated_count`` requests are estimates.
    """

    request_count: int = 0
    failed_count: int = 0
    told_count: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_micros: int = 0
    priced_count: int = 0
    estimated_count: int = 0

    def __add__(self, other: "AiSums") -> "AiSums":
        return AiSums(
            self.request_count + other.request_count,
            self.failed_count + other.failed_count,
            self.told_count + other.told_count,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.cost_micros + other.cost_micros,
            self.priced_count + other.priced_count,
            self.estimated_count + other.estimated_count,
        )


@dataclass(frozen=True, slots=True)
class AiCount:
    """Sums of one key, one provider, or one model; ``name`` is empty for an unknown model."""

    provider: str
    name: str
    sums: AiSums
    last_at_ms: int
