"""Reading keys."""

from dataclasses import replace

import pytest

from ari.base.errors import NotFound
from ari.keys import delete, get, get_active_made_by, get_even_deleted, get_names, get_page, revoke
from ari.keys.model import Consumer
from ari.keys.queries import KeyNames, get_names_with_consumers
from tests.unit.keys.memory import MemoryTransaction, make_key


def test_a_deleted_key_is_found_only_where_it_may_be() -> None:
    """Its page is gone; its usage still shows its name."""
    tx = MemoryTransaction()
    key = make_key(tx, name="old")
    revoke(tx, key.id)
    delete(tx, key.id)
    with pytest.raises(NotFound):
        get(tx, key.id)
    assert get_even_deleted(tx, key.id).name == "old"
    never = "key_01JD7W0000000000000000000"
    assert get_names(tx, [key.id, never]) == {key.id: "old", never: None}
    assert get_names_with_consumers(tx, [key.id, never]) == {key.id: KeyNames("old")}
    held = make_key(tx, name="held")
    tx.keys.save(replace(held, consumer=Consumer("con_1", "Acme")))
    assert get_names_with_consumers(tx, [held.id])[held.id] == KeyNames("held", "con_1", "Acme")


@pytest.mark.parametrize("key_id", ["", "usr_1", "key_1", "key_01JD7W000000000000000000 ", "key_" + "I" * 26])
def test_text_that_is_no_id_is_never_looked_up(key_id: str) -> None:
    """It is refused before the database is asked."""
    tx = MemoryTransaction()
    tx.keys.rows[key_id] = make_key(tx)
    for read in (get, get_even_deleted):
        with pytest.raises(NotFound):
            read(tx, key_id)


def test_pages_follow_each_other() -> None:
    """Newest first, without gaps."""
    tx = MemoryTransaction()
    keys = [make_key(tx, name=str(n)) for n in range(5)]
    ids = sorted((key.id for key in keys), reverse=True)
    first = get_page(tx, "active", None, 2)
    assert [key.id for key in first + get_page(tx, "active", first[-1].id, 9)] == ids


def test_dead_offspring_is_not_active() -> None:
    """A page lists what would be revoked too."""
    tx = MemoryTransaction()
    maker = make_key(tx, "*")
    alive, dead = make_key(tx.by(maker)), make_key(tx.by(maker))
    revoke(tx, dead.id)
    assert get_active_made_by(tx, maker.id) == [alive]
