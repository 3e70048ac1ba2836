"""Chooses one of a provider's keys for a request, and leaves out those that the provider limits. No I/O.

A key that gets a 429 rests: until the ``Retry-After`` of that response, or else for 1 second, doubled with each further
429 up to 5 minutes. Each process keeps its own record of that. A key that the provider rejected is stored as such
(``integrations/health.py``), so it is out in every process.
"""

import hashlib
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC
from email.utils import parsedate_to_datetime

from cachetools import LRUCache

from ari.http.problem import Header
from ari.integrations.credentials import StoredKey
from ari.integrations.key_rests import KeyRests, make_key_rests
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
        self._rests: KeyRests = make_key_rests() if rests is None else rests
        self._turns: dict[str, int] = {}
        self._consumers: dict[str, tuple[Sequence[StoredKey], LRUCache[str, StoredKey]]] = {}

    def choose(
        self,
        provider: str,
        keys: Sequence[StoredKey],
        choice: KeyChoice,
        consumer: str,
        tried: AbstractSet[str] = frozenset(),
    ) -> StoredKey | None:
        """A key that works and is not among the IDs in ``tried``; ``None`` if there is none.

        The only key of a provider is always chosen: its own response says most about it.
        """
        if len(keys) == 1:
            return None if keys[0].key.id in tried else keys[0]
        if choice == "by_consumer":
            return self._choose_for(consumer, provider, keys, tried)
        turn = self._turns.get(provider, 0)
        for step in range(len(keys)):
            found = keys[(turn + step) % len(keys)]
            if self._is_available(found, tried):
                self._turns[provider] = (turn + step + 1) % len(keys)
                return found
        return None

    def rest(self, key: StoredKey, seconds: float | None) -> None:
        """Leave out a key after a 429; ``seconds`` is the provider's ``Retry-After``, if it sent one."""
        name = key.key.id, key.key.added_at_ms
        count = self._rests.get(name, (0.0, 0))[1] + 1
        if seconds is None:
            seconds = min(FIRST_REST_SECONDS * 2 ** min(count - 1, 30), MAX_BACKOFF_SECONDS)
        self._rests[name] = self._monotonic() + min(seconds, MAX_REST_SECONDS), count

    def note_accepted(self, key: StoredKey) -> None:
        """The provider served a request with this key: its next rest is short again."""
        self._rests.pop((key.key.id, key.key.added_at_ms), None)

    def seconds_until_available(self, keys: Sequence[StoredKey]) -> float | None:
        """How long until the first key may be tried again; ``None`` if the provider rejected all of them."""
        waits = [self._rest_seconds(one) for one in keys if one.key.failing_since_ms is None]
        return min(waits) if waits else None

    def _choose_for(
        self, consumer: str, provider: str, keys: Sequence[StoredKey], tried: AbstractSet[str]
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
        if self._is_available(usual, tried):
            return usual
        available = [one for one in keys if self._is_available(one, tried)]
        return max(available, key=lambda one: _weigh(consumer, one), default=None)

    def _is_available(self, one: StoredKey, tried: AbstractSet[str]) -> bool:
        return one.key.failing_since_ms is None and one.key.id not in tried and not self._rest_seconds(one)

    def _rest_seconds(self, one: StoredKey) -> float:
        until, _ = self._rests.get((one.key.id, one.key.added_at_ms), (0.0, 0))
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
