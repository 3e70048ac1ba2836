"""The keys that a key has its rights from, and those that have theirs from it."""

from ari.keys.lineage import find_descendants, find_sources, list_family
from tests.unit.keys.memory import MemoryTransaction, make_key


def test_descendants_are_found_once() -> None:
    """Also where two keys gave each other rights."""
    tx = MemoryTransaction()
    one = make_key(tx, "*")
    two = make_key(tx.by(one), "*")
    tx.keys.grants += [(two.id, one.id), (one.id, two.id)]
    assert [key.id for key in find_descendants(tx, one.id)] == [two.id]
    assert find_sources(tx, two.id) == {one.id, two.id}


def test_a_family_has_sources_and_all_that_they_made() -> None:
    """Siblings too, but not a key that only gave a sibling rights, nor strangers; each once."""
    tx = MemoryTransaction()
    one, stranger = make_key(tx, "*"), make_key(tx, "*")
    two, sibling = make_key(tx.by(one), "*"), make_key(tx.by(one), "*")
    three = make_key(tx.by(two), "*")
    tx.keys.grants += [(three.id, one.id), (stranger.id, sibling.id)]
    assert sorted(key.id for key in list_family(tx, two.id)) == sorted(key.id for key in (one, two, sibling, three))
