"""Which keys a key has its rights from, and which have theirs from it (decision 25)."""

from collections.abc import Iterator
from typing import Protocol

from ari.keys.model import ApiKey


class LineageStore(Protocol):
    """The keys of ``KeyStore``, by the keys that created or extended them."""

    def get(self, key_id: str) -> ApiKey | None: ...

    def list_made_by(self, actor: str) -> list[ApiKey]: ...

    def sources_of(self, key_id: str) -> list[str]: ...


class LineageTransaction(Protocol):
    """A transaction over keys."""

    @property
    def keys(self) -> LineageStore: ...


def find_sources(tx: LineageTransaction, key_id: str) -> set[str]:
    """The ids of the keys that created this key or let it do more, and of those that they have their rights from."""
    found, sources = set[str](), [key_id]
    while sources:
        for source in tx.keys.sources_of(sources.pop()):
            if source not in found:
                found.add(source)
                sources.append(source)
    return found


def find_descendants(tx: LineageTransaction, key_id: str) -> list[ApiKey]:
    """The keys that this key created or let do more, and theirs in turn; without the key itself, each once."""
    found: dict[str, ApiKey] = {}
    grantors = [key_id]
    while grantors:
        for key in tx.keys.list_made_by(grantors.pop()):
            if key.id != key_id and key.id not in found:
                found[key.id] = key
                grantors.append(key.id)
    return list(found.values())


def list_family(tx: LineageTransaction, key_id: str) -> Iterator[ApiKey]:
    """The key, those that it has its rights from, and all that have theirs from any of them; each once, as it is now.

    A key can narrow itself or be deleted, and the keys that it made stay: so relatives count, not only sources.
    """
    found = {key_id, *find_sources(tx, key_id)}
    grantors = sorted(found)
    yield from (key for one in grantors if (key := tx.keys.get(one)) is not None)
    while grantors:
        for key in tx.keys.list_made_by(grantors.pop()):
            if key.id not in found:
                found.add(key.id)
                grantors.append(key.id)
                yield key
