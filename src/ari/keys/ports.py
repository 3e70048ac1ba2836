"""What keys need from storage."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ari.base.transaction import CommandTransaction, KeyValueStore
from ari.keys.custom_scopes import CustomScope
from ari.keys.instance_policy import InstancePolicyStore
from ari.keys.kinds import Kind
from ari.keys.model import ApiKey, Consumer, ImportedKey, KeySecret
from ari.keys.presets import Preset

Activity = Literal["all", "active", "inactive"]
"""``inactive`` = revoked or expired; ``active`` = the rest, disabled keys among them."""


@dataclass(frozen=True, slots=True)
class SaltedSecret:
    """A secret of another system, known by a salted hash only. ``placeholder`` is in the place of its digest."""

    placeholder: bytes
    foreign_hash: str = field(repr=False)
    foreign_id: str


class KeyFinder(Protocol):
    """The hot path's only question."""

    async def find(self, digest: bytes) -> ApiKey | None:
        """The stored or deleted key with this digest, as committed now; never older.

        Raises ``Unavailable`` if the store can't be read.
        """

    async def has_imported(self) -> bool:
        """Whether there is a secret of another system, as committed now. Raises ``Unavailable`` likewise."""


class AlertKeys(Protocol):
    """The public keys with which GitHub signs its alerts."""

    async def find(self, key_id: str) -> str | None:
        """The key with this ID as PEM. Raises ``Unavailable`` while the keys can't be fetched."""


class KeyStore(Protocol):
    """Keys inside one transaction. Deleted keys are invisible but to ``find``, ``tombstone`` and ``list_made_by``."""

    def add(self, key: ApiKey, digest: bytes) -> None:
        """Store a new key and its first secret."""

    def get(self, key_id: str) -> ApiKey | None:
        """The key, locked until the transaction ends where the database has row locks."""

    def tombstone(self, key_id: str) -> ApiKey | None:
        """The key even if it was deleted."""

    def find(self, digest: bytes) -> ApiKey | None:
        """The stored or deleted key with this digest, and which of its secrets that is."""

    def save(self, key: ApiKey) -> None:
        """Write every changeable field of a stored key."""

    def page(self, now_ms: int, activity: Activity, before_id: str | None, limit: int) -> list[ApiKey]:
        """Newest first, at most ``limit``, those with an id smaller than ``before_id``."""

    def count(self, now_ms: int, activity: Activity) -> int:
        """How many keys there are."""

    def count_named(self, folded_name: str, now_ms: int) -> int:
        """How many keys that are not inactive have a name that folds to this."""

    def count_look_alikes(self, name: str, now_ms: int) -> int:
        """How many of the newest keys that are not inactive have another name that looks like this."""

    def list_made_by(self, actor: str) -> list[ApiKey]:
        """The keys that this actor created or let do more (``add_grant``), deleted ones among them."""

    def add_grant(self, grantor_id: str, key_id: str) -> None:
        """Record that one key let another do more; a repeat changes nothing."""

    def sources_of(self, key_id: str) -> list[str]:
        """The ids of the keys that created this key or let it do more, deleted ones included."""

    def has_unstamped(self, now_ms: int) -> bool:
        """Whether a key has expired, or a secret retired, that is not stamped yet."""

    def stamp_expired(self, now_ms: int) -> int:
        """Stamp every key expired and every secret retired by ``now_ms``, so that no clock revives them; how many."""


class ScopeStore(Protocol):
    """Declared scopes, and the keys that list a scope; deleted and inactive keys don't count."""

    def names(self) -> frozenset[str]:
        """The names of all declared scopes."""

    def all(self) -> list[CustomScope]:
        """Every declared scope, by name."""

    def get(self, name: str) -> CustomScope | None:
        """The scope that was declared under this name."""

    def save(self, scope: CustomScope) -> None:
        """Store a new scope, or the description of a stored one."""

    def remove(self, name: str) -> None:
        """Forget a scope; keys that list it stay as they are."""

    def list_holders(
        self, listed: Collection[str], now_ms: int, before_id: str | None = None, limit: int | None = None
    ) -> list[ApiKey]:
        """The keys whose own list has at least one of these texts, such as ``*``, newest first."""

    def count_by_list(self, now_ms: int) -> dict[tuple[str, ...], int]:
        """How many keys have each list of scopes."""


class KeySecretStore(Protocol):
    """The secrets of keys, without their text, inside one transaction. None is ever removed: nobody may import it."""

    def list_secrets(self, key_id: str, limit: int) -> list[KeySecret]:
        """The newest secrets of a key, at most ``limit``, newest first, retired ones included."""

    def get_secret(self, key_id: str, number: int) -> KeySecret | None: ...

    def add_secret(self, key_id: str, secret: KeySecret, digest: bytes) -> None:
        """Store another secret of a key."""

    def save_secret(self, key_id: str, secret: KeySecret) -> None:
        """Write when the secret retires, and when it was first seen retired."""


class ImportStore(Protocol):
    """Keys of other systems inside one transaction."""

    def add(self, imported: Sequence[ImportedKey]) -> None:
        """Store new keys, each with its secret."""

    def find_digests(self, digests: Sequence[bytes]) -> set[bytes]:
        """Those of these digests that a secret has, of deleted keys too."""

    def find_foreign_ids(self, scheme: str, foreign_ids: Sequence[str]) -> set[str]:
        """Those of these ids that a secret of this scheme has, of deleted keys too."""

    def has_salted(self) -> bool:
        """Whether there is a secret of whose text ARI has no digest yet."""

    def list_salted(self, foreign_ids: Sequence[str]) -> list[SaltedSecret]:
        """The secrets with one of these ids in the other system of whose text ARI has no digest yet."""

    def set_digest(self, secret: SaltedSecret, digest: bytes) -> ApiKey | None:
        """Replace the salted hash by the digest of the text; the key, or ``None`` if that was done before."""


class ConsumerStore(Protocol):
    """Consumers inside one transaction."""

    def add(self, consumer: Consumer) -> None:
        """Store a new consumer."""

    def get(self, consumer_id: str) -> Consumer | None:
        """The consumer with this id."""

    def find(self, external_id: str) -> Consumer | None:
        """The consumer with this external ID."""

    def list_named(self, name: str, limit: int) -> list[Consumer]:
        """Consumers with this name, in any case."""

    def save(self, consumer: Consumer) -> None:
        """Write every changeable field of a stored consumer."""

    def remove(self, consumer_id: str) -> None:
        """Delete it; deleted keys forget that they were its."""

    def page(self, text: str, before_id: str | None, limit: int) -> list[Consumer]:
        """Newest first, those whose name, ID or external ID contains ``text``."""

    def list_with_budgets(self, before_id: str | None, limit: int) -> list[Consumer]:
        """At most ``limit`` consumers that have budgets, with an id smaller than ``before_id``, newest first."""

    def list_keys(self, consumer_id: str, limit: int) -> list[ApiKey]:
        """The newest of its keys that are not deleted."""

    def count_keys(self, consumer_id: str) -> int:
        """How many of its keys are not deleted."""


class KeyGroupStore(Protocol):
    """Which keys have which consumer and tags now; deleted keys have those that they had."""

    def list_ids(self, consumer_id: str | None, tag: str | None) -> list[str]:
        """The keys of this consumer with this tag; ``None`` = any."""

    def list_consumers(self) -> list[tuple[str, str]]:
        """Each key that has a consumer, with the ID of the consumer."""

    def list_tags(self) -> list[tuple[str, str]]:
        """Each key with each of its tags."""


class KindStore(Protocol):
    """Kinds of keys that were added."""

    def all(self) -> list[Kind]:
        """Every kind, by name."""

    def get(self, name: str) -> Kind | None:
        """The kind with this name."""

    def save(self, kind: Kind) -> None:
        """Store a new kind, or the description and defaults of a stored one."""

    def remove(self, name: str) -> None:
        """Forget a kind."""

    def count_keys(self, name: str) -> int:
        """How many keys of this kind are not deleted."""

    def count_by_kind(self) -> dict[str, int]:
        """The same for each kind that has keys."""


class PresetStore(Protocol):
    """The operator's presets, and the name of the default for new keys."""

    def all(self) -> list[Preset]:
        """Every stored preset, oldest first; ARI's own aren't stored."""

    def save(self, preset: Preset) -> None:
        """Store a preset, in the place of the one with its name."""

    def remove(self, name: str) -> None:
        """Forget a preset."""

    def get_default(self) -> str | None:
        """The name of the chosen default."""

    def set_default(self, name: str | None, now_ms: int, actor: str) -> None:
        """Choose the default; ``None`` = ARI's own."""


class KeyTransaction(CommandTransaction, Protocol):
    """One transaction over keys, scopes and events."""

    @property
    def keys(self) -> KeyStore: ...

    @property
    def scopes(self) -> ScopeStore: ...

    @property
    def key_secrets(self) -> KeySecretStore: ...

    @property
    def presets(self) -> PresetStore: ...

    @property
    def consumers(self) -> ConsumerStore: ...

    @property
    def kinds(self) -> KindStore: ...

    @property
    def instance_policy(self) -> InstancePolicyStore: ...

    @property
    def key_value(self) -> KeyValueStore: ...


class GroupTransaction(KeyTransaction, Protocol):
    """A transaction that also groups keys."""

    @property
    def key_groups(self) -> KeyGroupStore: ...


class ImportTransaction(KeyTransaction, Protocol):
    """A transaction that also imports keys."""

    @property
    def imports(self) -> ImportStore: ...
