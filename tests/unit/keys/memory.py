"""Keys and events in memory: the ports without a database. The contract suite tests the real stores."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from ari.base.caller import Caller
from ari.base.clock import HOUR_MS
from ari.base.events import BOUNDED_EVENTS, Event, Origin
from ari.keys import NewKey, create
from ari.keys.custom_scopes import CustomScope
from ari.keys.kinds import Kind
from ari.keys.look_alikes import skeletons
from ari.keys.model import ApiKey, Consumer, ImportedKey, KeySecret
from ari.keys.names import fold_name
from ari.keys.ports import Activity, SaltedSecret
from tests.unit.keys.memory_rules import MemoryInstancePolicy, MemoryPresets

NOW_MS = 1_800_000_000_000
OWNER = Caller("usr_1", Origin("web"))


@dataclass
class MemoryKeys:
    """Fulfils ``KeyStore`` and ``KeySecretStore``."""

    rows: dict[str, ApiKey] = field(default_factory=dict)
    digests: dict[bytes, tuple[str, int]] = field(default_factory=dict)
    secrets: dict[tuple[str, int], KeySecret] = field(default_factory=dict)
    grants: list[tuple[str, str]] = field(default_factory=list)
    salted: dict[str, SaltedSecret] = field(default_factory=dict)

    def add(self, key: ApiKey, digest: bytes) -> None:
        self.rows[key.id] = key
        self.add_secret(key.id, key.secret or KeySecret(1, key.hint, key.created_at_ms), digest)

    def list_secrets(self, key_id: str, limit: int) -> list[KeySecret]:
        found = [secret for (owner, _), secret in self.secrets.items() if owner == key_id]
        return sorted(found, key=lambda secret: -secret.number)[:limit]

    def get_secret(self, key_id: str, number: int) -> KeySecret | None:
        return self.secrets.get((key_id, number))

    def add_secret(self, key_id: str, secret: KeySecret, digest: bytes) -> None:
        self.digests[digest] = name = (key_id, secret.number)
        self.secrets[name] = secret

    def save_secret(self, key_id: str, secret: KeySecret) -> None:
        self.secrets[key_id, secret.number] = secret

    def get(self, key_id: str) -> ApiKey | None:
        key = self.rows.get(key_id)
        return None if key is None or key.deleted_at_ms is not None else key

    def tombstone(self, key_id: str) -> ApiKey | None:
        return self.rows.get(key_id)

    def find(self, digest: bytes) -> ApiKey | None:
        name = self.digests.get(digest)
        return None if name is None else replace(self.rows[name[0]], secret=self.secrets[name])

    def save(self, key: ApiKey) -> None:
        self.rows[key.id] = key

    def page(self, now_ms: int, activity: Activity, before_id: str | None, limit: int) -> list[ApiKey]:
        found = [key for key in self._active_or_not(now_ms, activity) if before_id is None or key.id < before_id]
        return sorted(found, key=lambda key: key.id, reverse=True)[:limit]

    def count(self, now_ms: int, activity: Activity) -> int:
        return len(self._active_or_not(now_ms, activity))

    def _active_or_not(self, now_ms: int, activity: Activity) -> list[ApiKey]:
        wanted = {"all": (True, False), "active": (False,), "inactive": (True,)}[activity]
        return [key for key in self.rows.values() if key.deleted_at_ms is None and key.is_inactive(now_ms) in wanted]

    def count_named(self, folded_name: str, now_ms: int) -> int:
        return sum(fold_name(key.name) == folded_name for key in self._active_or_not(now_ms, "active"))

    def count_look_alikes(self, name: str, now_ms: int) -> int:
        return sum(
            key.name != name and bool(skeletons(key.name) & skeletons(name))
            for key in self._active_or_not(now_ms, "active")
        )

    def list_made_by(self, actor: str) -> list[ApiKey]:
        granted = {key_id for grantor, key_id in self.grants if grantor == actor}
        return [key for key in self.rows.values() if key.created_by == actor or key.id in granted]

    def add_grant(self, grantor_id: str, key_id: str) -> None:
        if (grantor_id, key_id) not in self.grants:
            self.grants.append((grantor_id, key_id))

    def sources_of(self, key_id: str) -> list[str]:
        creator = self.rows[key_id].created_by
        made = [creator] if creator.startswith("key_") else []
        return [*made, *(grantor for grantor, granted in self.grants if granted == key_id)]

    def has_unstamped(self, now_ms: int) -> bool:
        return any(key.is_expired(now_ms) and key.expired_seen_at_ms is None for key in self.rows.values())

    def stamp_expired(self, now_ms: int) -> int:
        due = [key for key in self.rows.values() if key.is_expired(now_ms) and key.expired_seen_at_ms is None]
        for key in due:
            self.rows[key.id] = replace(key, expired_seen_at_ms=now_ms)
        return len(due)


@dataclass
class MemoryScopes:
    """Fulfils ``ScopeStore`` for these keys."""

    keys: MemoryKeys = field(default_factory=MemoryKeys)
    rows: dict[str, CustomScope] = field(default_factory=dict)

    def names(self) -> frozenset[str]:
        return frozenset(self.rows)

    def all(self) -> list[CustomScope]:
        return [self.rows[name] for name in sorted(self.rows)]

    def get(self, name: str) -> CustomScope | None:
        return self.rows.get(name)

    def save(self, scope: CustomScope) -> None:
        self.rows[scope.name] = scope

    def remove(self, name: str) -> None:
        self.rows.pop(name, None)

    def list_holders(
        self, listed: Collection[str], now_ms: int, before_id: str | None = None, limit: int | None = None
    ) -> list[ApiKey]:
        found = self.keys.page(now_ms, "active", before_id, len(self.keys.rows))
        return [key for key in found if set(key.scopes) & set(listed)][:limit]

    def count_by_list(self, now_ms: int) -> dict[tuple[str, ...], int]:
        return Counter(key.scopes for key in self.keys.page(now_ms, "active", None, len(self.keys.rows)))


@dataclass
class MemoryKinds:
    """Fulfils ``KindStore`` for these keys."""

    keys: MemoryKeys = field(default_factory=MemoryKeys)
    rows: dict[str, Kind] = field(default_factory=dict)

    def all(self) -> list[Kind]:
        return [self.rows[name] for name in sorted(self.rows)]

    def get(self, name: str) -> Kind | None:
        return self.rows.get(name)

    def save(self, kind: Kind) -> None:
        self.rows[kind.name] = kind

    def remove(self, name: str) -> None:
        del self.rows[name]

    def count_keys(self, name: str) -> int:
        return sum(key.kind == name and key.deleted_at_ms is None for key in self.keys.rows.values())

    def count_by_kind(self) -> dict[str, int]:
        return Counter(key.kind for key in self.keys.rows.values() if key.kind and key.deleted_at_ms is None)


@dataclass
class MemoryImports:
    """Fulfils ``ImportStore``, with the keys of ``MemoryKeys``."""

    keys: MemoryKeys

    def add(self, imported: Sequence[ImportedKey]) -> None:
        for one in imported:
            self.keys.add(one.key, one.digest)
            if one.foreign_hash is not None:
                self.keys.salted[one.key.id] = SaltedSecret(one.digest, one.foreign_hash, one.secret.foreign_id or "")

    def find_digests(self, digests: Sequence[bytes]) -> set[bytes]:
        return self.keys.digests.keys() & set(digests)

    def find_foreign_ids(self, scheme: str, foreign_ids: Sequence[str]) -> set[str]:
        secrets = [key.secret for key in self.keys.rows.values() if key.secret is not None]
        return {one.foreign_id or "" for one in secrets if one.scheme == scheme} & set(foreign_ids)

    def has_salted(self) -> bool:
        return bool(self.keys.salted)

    def list_salted(self, foreign_ids: Sequence[str]) -> list[SaltedSecret]:
        return [secret for secret in self.keys.salted.values() if secret.foreign_id in foreign_ids]

    def set_digest(self, secret: SaltedSecret, digest: bytes) -> ApiKey | None:
        name = self.keys.digests.pop(secret.placeholder, None)
        if name is None:
            return None
        self.keys.digests[digest] = name
        del self.keys.salted[name[0]]
        return self.keys.rows[name[0]]


@dataclass
class MemoryConsumers:
    """Fulfils ``ConsumerStore``."""

    keys: MemoryKeys
    rows: dict[str, Consumer] = field(default_factory=dict)

    def add(self, consumer: Consumer) -> None:
        self.rows[consumer.id] = consumer

    def get(self, consumer_id: str) -> Consumer | None:
        return self.rows.get(consumer_id)

    def find(self, external_id: str) -> Consumer | None:
        return next((one for one in self.rows.values() if one.external_id == external_id), None)

    def list_named(self, name: str, limit: int) -> list[Consumer]:
        return [one for one in self.rows.values() if fold_name(one.name) == fold_name(name)][:limit]

    def save(self, consumer: Consumer) -> None:
        self.rows[consumer.id] = consumer

    def remove(self, consumer_id: str) -> None:
        del self.rows[consumer_id]

    def page(self, text: str, before_id: str | None, limit: int) -> list[Consumer]:
        found = [one for one in self.rows.values() if text in one.name and (before_id is None or one.id < before_id)]
        return sorted(found, key=lambda one: one.id, reverse=True)[:limit]

    def list_with_budgets(self, before_id: str | None, limit: int) -> list[Consumer]:
        return [one for one in self.page("", before_id, len(self.rows)) if one.policy.limits.budgets][:limit]

    def list_keys(self, consumer_id: str, limit: int) -> list[ApiKey]:
        present = [key for key in self.keys.rows.values() if key.deleted_at_ms is None]
        found = [key for key in present if key.consumer is not None and key.consumer.id == consumer_id]
        return sorted(found, key=lambda key: key.id, reverse=True)[:limit]

    def count_keys(self, consumer_id: str) -> int:
        return len(self.list_keys(consumer_id, len(self.keys.rows)))


@dataclass
class MemoryEvents:
    """Fulfils ``EventStore``."""

    written: list[Event] = field(default_factory=list)

    def append(self, event: Event) -> None:
        self.written.append(event)

    def append_all(self, events: Sequence[Event]) -> None:
        self.written += events

    def append_bounded(self, event: Event, most: int = BOUNDED_EVENTS, within_ms: int = HOUR_MS) -> None:
        if sum((one.name, one.subject) == (event.name, event.subject) for one in self.written) < most:
            self.written.append(event)

    def append_counts(self, now_ms: int) -> int:
        return 0

    def any_counts(self, now_ms: int) -> bool:
        return False

    def page(self, subject: str | None, before_id: str | None, limit: int) -> list[Event]:
        return self.written[::-1][:limit]

    def newest(self) -> tuple[str, str] | None:
        return None

    def has(self, subject: str, name: str) -> bool:
        return any((one.subject, one.name) == (subject, name) for one in self.written)


class MemoryNotes(dict[str, str]):
    """A ``KeyValueStore`` in memory."""

    def put(self, name: str, value: str | None) -> None:
        if value is None:
            self.pop(name, None)
        else:
            self[name] = value


@dataclass
class MemoryTransaction:
    """Fulfils ``ImportTransaction``. ``by`` returns the same stores with another caller."""

    caller: Caller = OWNER
    now_ms: int = NOW_MS
    keys: MemoryKeys = field(default_factory=MemoryKeys)
    events: MemoryEvents = field(default_factory=MemoryEvents)
    scopes: MemoryScopes = field(default_factory=MemoryScopes)
    presets: MemoryPresets = field(default_factory=MemoryPresets)
    consumers: MemoryConsumers = field(init=False)
    kinds: MemoryKinds = field(init=False)
    instance_policy: MemoryInstancePolicy = field(default_factory=MemoryInstancePolicy)
    key_value: MemoryNotes = field(default_factory=MemoryNotes)

    def __post_init__(self) -> None:
        self.scopes.keys = self.keys
        self.consumers = MemoryConsumers(self.keys)
        self.kinds = MemoryKinds(self.keys)

    @property
    def key_secrets(self) -> MemoryKeys:
        return self.keys

    def by(self, key: ApiKey, after_ms: int = 0, secret_number: int | None = None) -> "MemoryTransaction":
        addresses = key.policy.addresses
        caller = Caller(
            key.id, Origin("api"), key.scopes, key.expires_at_ms, addresses=addresses, secret_number=secret_number
        )
        other = MemoryTransaction(caller, self.now_ms + after_ms, self.keys, self.events, self.scopes, self.presets)
        other.consumers, other.kinds, other.instance_policy = self.consumers, self.kinds, self.instance_policy
        other.key_value = self.key_value
        return other

    @property
    def imports(self) -> MemoryImports:
        return MemoryImports(self.keys)

    @property
    def names(self) -> list[str]:
        """The names of the events, in order."""
        return [event.name for event in self.events.written]


def make_key(tx: MemoryTransaction, *scopes: str, name: str = "n", expires_at_ms: int | None = None) -> ApiKey:
    """A new key by the caller of the transaction."""
    return create(tx, NewKey(name, scopes=scopes or ("api:read",), expires_at_ms=expires_at_ms)).key
