"""Chooses one of a provider's keys for a request, and leaves out those that the provider limits. No I/O.

A key that gets a 429 rests for the model of that request: until the ``Retry-After`` of that response, or else for 1
second, doubled with each further 429 up to 5 minutes. Each process keeps its own record of that. A key that the
provider rejected is stored as such (``integrations/health.py``), so it is out in every process.
"""

import hashlib
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC
from email.utils import parsedate_to_datetime

from cachetools import LRUCache

from ari.http.problem import Header
from ari.integrations.credentials import StoredKey
from ari.integrations.key_rests import ALL_MODELS, KeyRests, Rest
from ari.integrations.model import KeyChoice

FIRST_REST_SECONDS, MAX_BACKOFF_SECONDS = 1.0, 300.0
MAX_REST_SECONDS = 3_600.0
"""The longest ``Retry-After`` that counts, so that a wrong value cannot disable a key forever."""
_MAX_CONSUMERS = 10_000
_MAX_DIGITS = 12


class KeyRotation:
    """The rotation of one process. ``monotonic`` returns seconds and never steps back."""

    def __init__(self, monotonic: Callable[[], float], rests: KeyRests | None = None) -> None:
        self._monotonic = monotonic
        self._rests = KeyRests() if rests is None else rests
        self._turns: dict[str, int] = {}
        self._consumers: dict[str, tuple[Sequence[StoredKey], LRUCache[str, StoredKey]]] = {}

    def choose(
        self,
        provider: str,
        keys: Sequence[StoredKey],
        choice: KeyChoice,
        consumer: str,
        tried: AbstractSet[str] = frozenset(),
        model: str = ALL_MODELS,
    ) -> StoredKey | None:
        """A key that works for the model and is not among the IDs in ``tried``; ``None`` if there is none.

        The only key of a provider is always chosen: its own response says most about it.
        """
        if len(keys) == 1:
            return None if keys[0].key.id in tried else keys[0]
        if choice == "by_consumer":
            return self._choose_for(consumer, provider, keys, tried, model)
        turn = self._turns.get(provider, 0)
        for step in range(len(keys)):
            found = keys[(turn + step) % len(keys)]
            if found.key.id not in tried and self.is_available(found, model):
                self._turns[provider] = (turn + step + 1) % len(keys)
                return found
        return None

    def is_available(self, one: StoredKey, model: str = ALL_MODELS) -> bool:
        """Whether the key works and doesn't rest for the model."""
        return one.key.failing_since_ms is None and not self._rest_seconds(one, model)

    def rest(self, key: StoredKey, seconds: float | None, model: str, began: float) -> None:
        """Leave out a key after a 429 to a call that began then.

        ``seconds`` is the provider's ``Retry-After``, if it sent one. Calls that began before a rest lengthen it at
        most: many at once are limited together, and that isn't the next 429 in a row.
        """
        last, now = self._rests.find(key.key, model), self._monotonic()
        is_next = last is None or began >= last.since
        count = (0 if last is None else last.in_a_row) + is_next
        if seconds is None:
            seconds = min(FIRST_REST_SECONDS * 2 ** min(count - 1, 30), MAX_BACKOFF_SECONDS)
        until = now + min(seconds, MAX_REST_SECONDS)
        if last is not None and not is_next:
            until, now = max(until, last.until), last.since
        self._rests.put(key.key, model, Rest(until, now, count))

    def note_accepted(self, key: StoredKey, model: str, began: float) -> None:
        """The provider served a call with this key that began then: the next rest is short again.

        A rest that began since stays: the provider decided about the older call before.
        """
        self._rests.end(key.key, model, began)

    def seconds_until_available(self, keys: Sequence[StoredKey], model: str = ALL_MODELS) -> float | None:
        """How long until the first key may be tried again; ``None`` if the provider rejected all of them."""
        waits = [self._rest_seconds(one, model) for one in keys if one.key.failing_since_ms is None]
        return min(waits) if waits else None

    def _choose_for(
        self, consumer: str, provider: str, keys: Sequence[StoredKey], tried: AbstractSet[str], model: str
    ) -> StoredKey | None:
        """The same key in every process: the one with the highest hash together with the consumer (rendezvous
        hashing), so that a key that leaves or returns moves only its own consumers."""
        pool, chosen = self._consumers.get(provider, ((), LRUCache(_MAX_CONSUMERS)))
        if pool != keys:
            chosen = LRUCache(_MAX_CONSUMERS)
            self._consumers[provider] = keys, chosen
        usual = chosen.get(consumer)
        if usual is None:
            usual = chosen[consumer] = max(keys, key=lambda one: _weigh(consumer, one))
        if usual.key.id not in tried and self.is_available(usual, model):
            return usual
        available = [one for one in keys if one.key.id not in tried and self.is_available(one, model)]
        return max(available, key=lambda one: _weigh(consumer, one), default=None)

    def _rest_seconds(self, one: StoredKey, model: str) -> float:
        found = [self._rests.find(one.key, name) for name in (ALL_MODELS, model)]
        until = max((rest.until for rest in found if rest is not None), default=0.0)
        return max(0.0, until - self._monotonic()) if until else 0.0


def parse_retry_after(headers: Sequence[Header], now_ms: int) -> float | None:
    """The seconds in ``Retry-After``, a number or a date (RFC 9110 §10.2.3); ``None`` unless they are positive."""
    text = next((value.decode("latin-1").strip() for name, value in headers if name.lower() == b"retry-after"), "")
    if text.isascii() and text.isdigit():
        seconds = float(text[:_MAX_DIGITS])
    else:
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, IndexError, OverflowError):
            return None
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now_ms / 1000
    return seconds if seconds > 0 else None


def _weigh(consumer: str, one: StoredKey) -> bytes:
    return hashlib.blake2b(f"{consumer}\n{one.key.id}".encode(), digest_size=8).digest()
