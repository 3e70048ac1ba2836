"""The keys that a key has its rights from, and those that have theirs from it."""

from ari.keys.lineage import find_descendants, find_sources
from tests.unit.keys.memory import MemoryTransaction, make_key


def test_descendants_are_found_once() -> None:
    """Also where two keys gave each other rights."""
    tx = MemoryTransaction()
    one = make_key(tx, "*")
    two = make_key(tx.by(one), "*")
    tx.keys.grants += [(two.id, one.id), (one.id, two.id)]
    assert [key.id for key in find_descendants(tx, one.id)] == [two.id]
    assert find_sources(tx, two.id) == {one.id, two.id}
