"""The storage interface of the watch."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from ari.base.events import EventStore
from ari.keys.listing import KeyListing, LivingKey
from ari.keys.model import ApiKey, Consumer
from ari.usage.model import KeyClient, SecretUse
from ari.usage.watch.budget_warnings import BudgetWarning
from ari.usage.watch.bursts import AddressBurst
from ari.usage.watch.retiring import RetiringSecret


class LateKey(NamedTuple):
    """An inactive key that was used: the code and time of the last refusal."""

    key_id: str
    code: str
    last_at_ms: int


class KeyRefusals(NamedTuple):
    """The number of refusals of a key in a span, and their codes."""

    key_id: str
    refused: int
    codes: Sequence[str]


class WatchedUse(Protocol):
    """Counts of key usage; synchronous, called from threads. Raises ``Unavailable``.

    Reads only rollups and index ranges, so it takes the same time with ten rows as with ten million.
    """

    def fold(self) -> None:
        """Count the latest requests too, if that is possible now; call it before a scan."""

    def late_keys(self, since_ms: int) -> list[LateKey]:
        """Inactive keys used since then, the last used first."""

    def count_refused(self, key_id: str, codes: Sequence[str], since_ms: int, until_ms: int) -> int:
        """Number of requests with this key that were refused with these codes, in whole hours."""

    def list_refused_addresses(self, key_id: str, since_ms: int, limit: int) -> list[str]:
        """Addresses of refused requests since then, last seen first."""

    def last_used(self, key_ids: Sequence[str]) -> dict[str, int]:
        """Time of the last accepted request of these keys; keys never used are absent."""

    def days_used(self, key_ids: Sequence[str], since_ms: int) -> dict[str, list[int]]:
        """Days since then with accepted requests of these keys, oldest first."""

    def last_uses(self) -> dict[str, int]:
        """Time of the last accepted request of every used key."""

    def list_new_addresses(self, used_since_ms: int, first_since_ms: int, limit: int) -> dict[str, list[KeyClient]]:
        """By key used since ``used_since_ms``: its addresses first seen since ``first_since_ms``."""

    def list_addresses(self, key_id: str, limit: int) -> list[KeyClient]:
        """Addresses of a key, by first use."""

    def secret_use(self, key_id: str, number: int) -> SecretUse:
        """The newest requests with an old secret."""

    def refusals(self, since_ms: int, *, with_key: bool, codes: Sequence[str]) -> int:
        """Number of refusals with any key, or of attempts without one, in whole hours since then."""

    def list_refused_keys(self, since_ms: int, codes: Sequence[str], least: int) -> list[KeyRefusals]:
        """Keys refused at least this often since then."""

    def loud_addresses(self, since_ms: int, codes: Sequence[str], least: int, limit: int) -> list[AddressBurst]:
        """Addresses with at least this many attempts since then, in whole minutes, most first."""


class BudgetWarnings(Protocol):
    """Warnings that commits stored, until the watch has reported them. Raises ``Unavailable``."""

    def read(self, limit: int) -> list[BudgetWarning]:
        """The oldest warnings."""

    def remove(self, reported: Sequence[BudgetWarning]) -> None:
        """Remove these, after they were reported."""


class WatchStore(Protocol):
    """State of the watch and keys, in one transaction."""

    def list_muted(self, now_ms: int) -> set[str]:
        """The marks that are muted now."""

    def mute(self, until_ms: Mapping[str, int]) -> None:
        """Mute marks until then."""

    def forget(self, now_ms: int) -> None:
        """Delete marks that are no longer muted."""

    def list_expiring(self, since_ms: int, until_ms: int, now_ms: int) -> list[LivingKey]:
        """Active keys with ``since_ms`` < expiry ≤ ``until_ms``."""

    def list_retiring(self, until_ms: int, now_ms: int) -> list[RetiringSecret]:
        """Old secrets of active keys with ``now_ms`` < retirement ≤ ``until_ms``, the first to retire first."""

    def keys(self, key_ids: Sequence[str]) -> dict[str, ApiKey]:
        """These keys by ID, including deleted ones."""


class WatchedConsumers(Protocol):
    def get(self, consumer_id: str) -> Consumer | None:
        """The consumer with this id."""


class WatchKeyValues(Protocol):
    def get(self, name: str) -> str | None: ...

    def swap(self, name: str, before: str | None, after: str) -> bool:
        """Set a value if it is still ``before``; of several concurrent calls, exactly one succeeds."""


class WatchTransaction(Protocol):
    """One transaction of the watch."""

    @property
    def watch(self) -> WatchStore: ...

    @property
    def listing(self) -> KeyListing: ...

    @property
    def consumers(self) -> WatchedConsumers: ...

    @property
    def key_value(self) -> WatchKeyValues: ...

    @property
    def events(self) -> EventStore: ...
