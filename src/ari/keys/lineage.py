"""Which keys a key has its rights from, and which have theirs from it (decision 25)."""

from ari.keys.model import ApiKey
from ari.keys.ports import KeyTransaction


def find_sources(tx: KeyTransaction, key_id: str) -> set[str]:
    """The ids of the keys that created this key or let it do more, and of those that they have their rights from."""
    found, sources = set[str](), [key_id]
    while sources:
        for source in tx.keys.sources_of(sources.pop()):
            if source not in found:
                found.add(source)
                sources.append(source)
    return found


def find_descendants(tx: KeyTransaction, key_id: str) -> list[ApiKey]:
    """The keys that this key created or let do more, and theirs in turn; without the key itself, each once."""
    found: dict[str, ApiKey] = {}
    grantors = [key_id]
    while grantors:
        for key in tx.keys.list_made_by(grantors.pop()):
            if key.id != key_id and key.id not in found:
                found[key.id] = key
                grantors.append(key.id)
    return list(found.values())
