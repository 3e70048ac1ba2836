"""Estimates how many tokens a request will use: by its size, and by the recent use of the model by the same key.

An estimate is what the request will probably use, not the most that it may: reserving the most would refuse requests
for which there is room. Each process learns from the responses that it sees, and forgets keys and models that are used
least. ``benchmarks/estimates.py`` measures the error.
"""

import threading
import weakref
from dataclasses import dataclass

import msgspec
from cachetools import LRUCache

from ari.gateway.content_size import ContentSize
from ari.gateway.recordings import BYTES_PER_SECOND
from ari.gateway.request_facts import RequestFacts
from ari.usage.ai import TokenUsage
from ari.usage.cleaning import MAX_TOKENS

_MAX_REMEMBERED = 4_096
_START_OUTPUT_TOKENS = 500
"""Of a first request. Chat models typically respond with 200 to 1,000 tokens."""
_UNLIMITED_OUTPUT_TOKENS = 16_000
"""Reserved for a response without a limit while nothing is known about the model: the limit of typical models."""
_BYTES_PER_TOKEN = 4
"""Of JSON with English text; other languages are learned."""
_ATTACHMENT_TOKENS = 1_000
"""Of an image, a sound or a document in the body: https://platform.openai.com/docs/guides/images-vision."""
_TOKENS_PER_SECOND = 10
"""Of a recording."""
_LEAST_TEXT_SHARE = 0.5
"""No text has more than 8 bytes per token, whatever a request with blanks or fewer tokens has taught."""
_LEAST_WEIGHT = 0.2
"""Of the newest request in the averages."""
_MOST_INPUT_FACTOR = 4.0
"""No text has more than a token for each byte. What exceeds that was not in the request."""

_Name = tuple[str, str, str]
"""Key, provider and model."""


class RequestSize(msgspec.Struct, frozen=True, weakref=True):
    """``input_tokens`` are expected by the bytes alone; ``responses`` counts the expected responses.

    ``max_output_tokens`` is the caller's limit for each. ``has_output`` is ``False`` for embeddings. ``text_tokens``
    are the part of the input that is text: a model reads all of it. ``has_references``: it names input that it doesn't
    contain.
    """

    input_tokens: int
    responses: int
    max_output_tokens: int | None
    has_output: bool
    text_tokens: int
    has_references: bool = False

    @property
    def may_read_more(self) -> bool:
        """Whether the model may read much that the bytes don't show: of references, or of long documents."""
        return self.has_references or self.input_tokens > self.text_tokens

    @property
    def most_output_tokens(self) -> int:
        """All that the caller allows."""
        each = self.max_output_tokens or _UNLIMITED_OUTPUT_TOKENS
        return min(MAX_TOKENS, each * self.responses) if self.has_output else 0

    @property
    def start_output_tokens(self) -> int:
        """The output that is expected of a first request."""
        each = min(_START_OUTPUT_TOKENS, self.max_output_tokens or _START_OUTPUT_TOKENS)
        return each * self.responses if self.has_output else 0


@dataclass(slots=True)
class _Recent:
    """Averages of recent requests: real by expected input tokens, and output tokens of each response.

    ``referred_tokens`` are the input that requests named, but didn't contain, or that was in documents.
    """

    count: int = 0
    input_factor: float = 1.0
    output_tokens: float = 0.0
    referred_count: int = 0
    referred_tokens: float = 0.0

    def learn(self, input_factor: float | None, output_tokens: float) -> None:
        self.count += 1
        weight = max(1 / self.count, _LEAST_WEIGHT)
        if input_factor is not None:
            self.input_factor += weight * (input_factor - self.input_factor)
        self.output_tokens += weight * (output_tokens - self.output_tokens)

    def learn_referred(self, tokens: float) -> None:
        self.referred_count += 1
        self.referred_tokens += max(1 / self.referred_count, _LEAST_WEIGHT) * (tokens - self.referred_tokens)

    def soften(self) -> None:
        """Come nearer to the start values, from above only."""
        self.input_factor -= _LEAST_WEIGHT * max(0.0, self.input_factor - 1)
        self.output_tokens -= _LEAST_WEIGHT * max(0.0, self.output_tokens - _START_OUTPUT_TOKENS)
        self.referred_tokens -= _LEAST_WEIGHT * self.referred_tokens


class UseEstimates:
    """Recent use of one process, by key, provider and model."""

    def __init__(self) -> None:
        self._recent: LRUCache[_Name, _Recent] = LRUCache(_MAX_REMEMBERED)
        self._first: LRUCache[_Name, weakref.ref[RequestSize]] = LRUCache(_MAX_REMEMBERED)
        """The request that runs while nothing is known. One that was refused is gone when nothing refers to it."""
        self._lock = threading.Lock()
        """The event loop estimates, and so do threads for large requests."""

    def estimate(self, key_id: str, provider: str, model: str, size: RequestSize) -> TokenUsage:
        """The tokens that the request will probably use."""
        with self._lock:
            recent = self._recent.get((key_id, provider, model))
        if recent is None:
            input_tokens, each = float(size.input_tokens), float(_START_OUTPUT_TOKENS if size.has_output else 0)
        else:
            input_tokens, each = size.input_tokens * recent.input_factor, recent.output_tokens
            if size.may_read_more:
                input_tokens += recent.referred_tokens
        input_tokens = max(input_tokens, size.text_tokens * _LEAST_TEXT_SHARE)
        if size.max_output_tokens is not None:
            each = min(each, size.max_output_tokens)
        output_tokens = round(each * size.responses)
        return TokenUsage(model, min(MAX_TOKENS, max(1, round(input_tokens))), min(MAX_TOKENS, output_tokens), 0)

    def begin(self, key_id: str, provider: str, model: str, size: RequestSize) -> int | None:
        """The output tokens to reserve in place of the estimated ones, until ``end``; ``None`` if those are enough.

        While nothing is known about the model, all requests but one reserve what the caller allows: many at once could
        exceed a budget many times over, but the first must not be refused for a limit that it won't use.
        """
        name = (key_id, provider, model)
        with self._lock:
            if name in self._recent:
                return None
            first = self._first.get(name)
            if first is not None and first() is not None:
                return size.most_output_tokens
            self._first[name] = weakref.ref(size)
            return None

    def end(self, key_id: str, provider: str, model: str, size: RequestSize) -> None:
        """The request is over, so the next one may be the first."""
        name = (key_id, provider, model)
        with self._lock:
            first = self._first.get(name)
            if first is not None and first() is size:
                del self._first[name]

    def note_refused(self, key_id: str, provider: str, model: str) -> None:
        """A budget had no room for an estimate. Refusals measure nothing, so a wrong estimate must not last by them."""
        with self._lock:
            recent = self._recent.get((key_id, provider, model))
            if recent is not None:
                recent.soften()

    def learn(self, key_id: str, provider: str, model: str, size: RequestSize, used: TokenUsage) -> None:
        """Remember the tokens that a request used, if they are known.

        A response that the caller's limit has cut short doesn't lower the estimate of others.
        """
        output_tokens = used.output_tokens if size.has_output else used.output_tokens or 0
        if used.input_tokens is None or output_tokens is None:
            return
        each = output_tokens / size.responses
        with self._lock:
            recent = self._recent.get((key_id, provider, model))
            if recent is None:
                recent = self._recent[key_id, provider, model] = _Recent()
            if size.max_output_tokens is not None and each >= size.max_output_tokens:
                each = max(each, recent.output_tokens if recent.count else _START_OUTPUT_TOKENS)
            least = size.text_tokens * _LEAST_TEXT_SHARE
            factor = max(used.input_tokens, least) / size.input_tokens
            if size.may_read_more:
                known = size.input_tokens * (recent.input_factor if size.has_references else _MOST_INPUT_FACTOR)
                recent.learn_referred(max(0.0, used.input_tokens - known))
            recent.learn(None if size.has_references else min(factor, _MOST_INPUT_FACTOR), each)


def measure_request(path: str, facts: RequestFacts) -> RequestSize:
    """The size of a request to this path."""
    content = facts.content or ContentSize(facts.input_bytes, 0)
    text_tokens = max(1, content.text_bytes // _BYTES_PER_TOKEN)
    attached = content.attachments * _ATTACHMENT_TOKENS
    if "/audio/" in path:
        by_size = content.attached_bytes * _TOKENS_PER_SECOND // BYTES_PER_SECOND
        seconds = content.max_seconds
        attached = max(attached, by_size if seconds is None else min(by_size, seconds * _TOKENS_PER_SECOND))
    return RequestSize(
        input_tokens=text_tokens + attached,
        responses=facts.item_count * facts.choice_count,
        max_output_tokens=facts.max_output_tokens,
        has_output="embed" not in path.lower(),
        text_tokens=text_tokens,
        has_references=content.has_references,
    )
