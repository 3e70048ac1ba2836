"""What a request through the AI gateway used, as far as its answer told. What was not told is unknown, never guessed.

Budgets and lists of models, when they come, are decided before a request is forwarded and settled with these numbers.
"""

from dataclasses import dataclass
from typing import Literal

Ended = Literal["complete", "client_gone", "cut", "timed_out", "unreachable"]
"""``client_gone``: the caller hung up; ``cut``: the provider broke its answer off; the last two: no answer began."""


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer says of itself.

    ``input_tokens`` are all that were read, ``cached_tokens`` those of them that came from a cache; ``output_tokens``
    are all that were made, thinking among them.
    """

    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None


NOTHING_TOLD = Told()


@dataclass(frozen=True, slots=True)
class AiUse:
    """One request to a provider; ``id`` is its usage row's.

    ``provider_status`` is what the provider answered, ``None`` if it did not. ``first_byte_ms`` and ``whole_ms`` count
    from the request's arrival to the first byte of the provider's answer and to its last.
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
