"""Promise 4: what is remembered is bounded, and a few too many do not cost all of it."""

from ari.base.room import make_room


def test_the_oldest_tenth_goes_and_only_where_it_is_full() -> None:
    """Twenty with room for twenty: the two oldest go; one fewer, and none does."""
    full = dict.fromkeys(range(20))
    make_room(full, 20)
    assert list(full) == list(range(2, 20))
    make_room(full, 20)
    assert len(full) == 18


def test_there_is_room_for_one_however_few_may_be_held() -> None:
    """A tenth of three is still one."""
    few = dict.fromkeys("abc")
    make_room(few, 3)
    assert list(few) == ["b", "c"]
