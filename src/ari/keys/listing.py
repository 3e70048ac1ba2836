"""Filters and sort orders for lists of keys, the storage that lists need, and keys by name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from ari.base.clock import DAY_MS
from ari.keys.model import ApiKey, Environment
from ari.keys.names import fold_name
from ari.keys.ports import Activity, KeyTransaction
from ari.keys.unset import UNSET, Unset

SOON_MS = 7 * DAY_MS
"""A key that expires within this is pointed out."""
UNUSED_MS = 30 * DAY_MS
"""A key that was not used for this long is better revoked."""
NEW_MS = DAY_MS
"""A key this young gets no advice that its owner doesn't need yet."""

Show = Literal["all", "active", "soon", "never-used", "unused", "disabled", "inactive", "expired", "revoked"]
SHOWN: tuple[Show, ...] = (
    "all",
    "active",
    "soon",
    "never-used",
    "unused",
    "disabled",
    "inactive",
    "expired",
    "revoked",
)
"""``inactive`` = revoked or expired; ``soon`` to ``unused`` are of keys that work."""


def asks_log(show: Show) -> bool:
    """Whether the keys database alone can't say which keys are shown."""
    return show in ("never-used", "unused")


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Keys whose name, hint or id contain ``text``, as the keys database knows them.

    ``show`` beyond that asks the usage log: ``never-used`` and ``unused`` are here the keys that may be so.
    ``consumer_id``, ``tag``, ``environment``, ``kind`` and ``disabled`` narrow it further; ``None`` is any.
    ``or_restored`` adds to ``disabled`` the keys of the list of ``keys.restored_keys``, which nobody has decided about.
    ``outlives_ms`` narrows it to keys that never expire, or later than this.
    ``other_expiry_than`` leaves out the keys with this expiry, ``None`` those without one.
    ``key_ids`` are the only ones that fit, a few hundred at most; ``before_id`` leaves out the newer keys.
    ``created_since`` leaves out older keys of these kinds, by name; with ``too_old`` only these are listed.
    ``with_budgets`` narrows it to keys that have budgets of their own.
    """

    now_ms: int
    text: str = ""
    show: Show = "all"
    activity: Activity = "all"
    consumer_id: str | None = None
    tag: str | None = None
    environment: Environment | None = None
    kind: str | None = None
    outlives_ms: int | None = None
    other_expiry_than: int | Unset | None = UNSET
    disabled: bool | None = None
    key_ids: frozenset[str] | None = None
    before_id: str | None = None
    created_since: tuple[tuple[str, int], ...] = ()
    too_old: bool = False
    with_budgets: bool = False
    or_restored: bool = False


class Cursor(NamedTuple):
    """A place in a list: the key that it goes on after, and what that key was sorted by if that is a number."""

    value: int | None
    key_id: str


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a run of keys: by ``name``, by ``expires`` (those that do), or by ``created``.

    ``endless`` narrows ``created`` to keys without an expiry.
    """

    by: Literal["name", "created", "expires"]
    descending: bool
    endless: bool = False


class LivingKey(NamedTuple):
    """A key that works, as far as advice about it goes."""

    id: str
    name: str
    hint: str
    created_at_ms: int
    expires_at_ms: int | None
    rotated_at_ms: int | None = None

    @property
    def secret_at_ms(self) -> int:
        """When its newest secret was created."""
        return self.created_at_ms if self.rotated_at_ms is None else self.rotated_at_ms


class KeyCounts(NamedTuple):
    """How many keys there are, and how many of them work."""

    all: int
    active: int


class KeyListing(Protocol):
    """Keys as lists show them; deleted ones are invisible."""

    def run(self, where: KeyFilter, order: Order, after: Cursor | None, limit: int) -> list[ApiKey]:
        """At most ``limit`` keys after that place; a place by name is that of the key's present name."""

    def among(self, where: KeyFilter, key_ids: Sequence[str]) -> list[ApiKey]:
        """Those of these keys that fit, in no order."""

    def count(self, where: KeyFilter) -> int:
        """How many keys fit."""

    def counts(self, now_ms: int) -> KeyCounts:
        """Of all keys."""

    def list_tags(self, limit: int) -> list[str]:
        """The first tags by name."""

    def list_active(self, now_ms: int, limit: int) -> list[LivingKey]:
        """The keys that work, oldest first."""


class KeyListTransaction(KeyTransaction, Protocol):
    """A transaction that also lists keys."""

    @property
    def listing(self) -> KeyListing: ...


_PAGE = 200
_NEWEST_FIRST = Order("created", descending=True)


def list_named(tx: KeyListTransaction, text: str) -> list[ApiKey]:
    """The keys with this prefix or, if none has it, this name.

    Keys of one name are only those that are neither revoked nor expired, if there are some.
    """
    similar = list(_list_similar(tx, text)) if text.strip() else []
    found = [key for key in similar if key.hint == text]
    if not found:
        found = [key for key in similar if fold_name(key.name) == fold_name(text)]
        found = [key for key in found if not key.is_inactive(tx.now_ms)] or found
    return found


def _list_similar(tx: KeyListTransaction, text: str) -> Iterator[ApiKey]:
    where, after = KeyFilter(tx.now_ms, text=text), None
    while page := tx.listing.run(where, _NEWEST_FIRST, after, _PAGE):
        yield from page
        after = Cursor(None, page[-1].id)
