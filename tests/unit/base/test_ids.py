"""Ids: sortable, unguessable, with their kind in front."""

from hypothesis import given
from hypothesis import strategies as st

from ari.base.ids import is_id, new_id


@given(st.integers(0, 2**48 - 2))
def test_ids_sort_by_time(now_ms: int) -> None:
    """A later id is greater, whatever its random part."""
    assert new_id("key", now_ms) < new_id("key", now_ms + 1)


def test_ids_of_one_instant_differ() -> None:
    """80 random bits."""
    assert len({new_id("req", 1) for _ in range(1_000)}) == 1_000


def test_the_form_is_checked() -> None:
    """A lookup is made only for what can be an id."""
    assert is_id("key", new_id("key", 1))
    for bad in ("", "key_", "key_1", new_id("usr", 1), new_id("key", 1).lower(), new_id("key", 1) + "A"):
        assert not is_id("key", bad)
