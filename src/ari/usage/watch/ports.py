"""What the watch asks of storage."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from ari.base.events import EventStore
from ari.keys.listing import KeyListing, LivingKey
from ari.keys.model import ApiKey
from ari.usage.model import KeyClient
from ari.usage.watch.bursts import AddressBurst


class LateKey(NamedTuple):
    """A key of which a call was refused as dead: with which code, and when the last one was."""

    key_id: str
    code: str
    last_at_ms: int


class KeyRefusals(NamedTuple):
    """How often a key was refused in a span, and with which codes."""

    key_id: str
    refused: int
    codes: Sequence[str]


class WatchedUse(Protocol):
    """What was counted of the use of keys; synchronous, called from threads. Raises ``Unavailable``.

    Rollups and spans of indexes alone are read, so it is as quick with ten million rows in the log as with ten.
    """

    def late_keys(self, since_ms: int) -> list[LateKey]:
        """Keys called dead since, the last called first."""

    def refused_calls(self, key_id: str, codes: Sequence[str], since_ms: int, until_ms: int) -> int:
        """Requests with this key that were refused with these codes, in whole hours."""

    def refused_from(self, key_id: str, since_ms: int, limit: int) -> list[str]:
        """The addresses from which refused requests came that were seen since, last seen first."""

    def last_used(self, key_ids: Sequence[str]) -> dict[str, int]:
        """When these keys had their last accepted request; keys never used are absent."""

    def days_used(self, key_ids: Sequence[str], since_ms: int) -> dict[str, list[int]]:
        """The days since then on which these keys had accepted requests, oldest first."""

    def last_uses(self) -> dict[str, int]:
        """That of all keys."""

    def newly_seen(self, used_since_ms: int, first_since_ms: int, limit: int) -> dict[str, list[KeyClient]]:
        """The addresses from which keys used since were first seen since, by key."""

    def seen_from(self, key_id: str, limit: int) -> list[KeyClient]:
        """The addresses that a key was seen from, told apart, the first seen first."""

    def refusals(self, since_ms: int, *, with_key: bool, codes: Sequence[str]) -> int:
        """Refusals of all keys, or attempts without one, in whole hours since."""

    def refused_keys(self, since_ms: int, codes: Sequence[str], least: int) -> list[KeyRefusals]:
        """Keys that were refused so often since."""

    def loud_addresses(self, since_ms: int, codes: Sequence[str], least: int, limit: int) -> list[AddressBurst]:
        """Addresses of so many attempts since, in whole minutes, the most first."""


class WatchStore(Protocol):
    """What the watch keeps and asks in the keys database, inside one transaction."""

    def quiet(self, now_ms: int) -> set[str]:
        """The marks that are not to be told again now."""

    def keep_quiet(self, until_ms: Mapping[str, int]) -> None:
        """Remember marks until then."""

    def forget(self, now_ms: int) -> None:
        """Drop the marks whose time is over."""

    def expiring(self, since_ms: int, until_ms: int, now_ms: int) -> list[LivingKey]:
        """Keys that work and expire in this span, ``since_ms`` < expiry ≤ ``until_ms``."""

    def keys(self, key_ids: Sequence[str]) -> dict[str, ApiKey]:
        """These keys by id, deleted ones too."""


class WatchNotes(Protocol):
    """Small facts of the instance by name."""

    def get(self, name: str) -> str | None: ...

    def swap(self, name: str, before: str | None, after: str) -> bool:
        """Set a note that is still ``before``; of several at once exactly one succeeds."""


class WatchTransaction(Protocol):
    """One transaction of the watch."""

    @property
    def watch(self) -> WatchStore: ...

    @property
    def listing(self) -> KeyListing: ...

    @property
    def notes(self) -> WatchNotes: ...

    @property
    def events(self) -> EventStore: ...
