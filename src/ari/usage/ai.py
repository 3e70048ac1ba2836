"""AI use: tokens and times of AI gateway requests. Numbers that a provider did not report are unknown, not guessed."""

from dataclasses import dataclass
from typing import Literal

Ended = Literal["complete", "client_gone", "cut", "error", "timed_out", "unreachable"]
"""``client_gone``: the caller disconnected; ``cut``: the provider stopped in the middle of its response; ``error``: it
reported an error in a response with a good status; ``timed_out`` and ``unreachable``: no response began."""


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """The usage that a provider's response reports.

    ``input_tokens`` counts all tokens read, ``cached_tokens`` those of them read from a cache; ``output_tokens``
    counts all tokens generated, including reasoning.
    """

    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None


UNKNOWN_USAGE = TokenUsage()


@dataclass(frozen=True, slots=True)
class AiUse:
    """One request to a provider; ``id`` is its usage row's.

    ``provider_status`` is ``None`` without a response. ``first_byte_ms`` and ``whole_ms`` are the time from the
    request's arrival to the first and the last byte of the provider's response.
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
    """``failed_count`` requests got no good response; ``told_count`` are those with known token counts."""

    request_count: int = 0
    failed_count: int = 0
    told_count: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: "AiSums") -> "AiSums":
        return AiSums(
            self.request_count + other.request_count,
            self.failed_count + other.failed_count,
            self.told_count + other.told_count,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
        )


@dataclass(frozen=True, slots=True)
class AiCount:
    """Sums of one key, one provider, or one model; ``name`` is empty for an unknown model."""

    provider: str
    name: str
    sums: AiSums
    last_at_ms: int
