"""Promise 4: what is remembered is bounded, and a few too many do not cost all of it."""

from ari.base.room import make_room


def test_a_tenth_goes_and_only_where_it_is_full() -> None:
    """Twenty with room for twenty: two go, far from each other; one fewer, and none does."""
    full = dict.fromkeys(range(20))
    make_room(full, 20)
    assert sorted(set(range(20)) - set(full)) == [0, 10]
    make_room(full, 20)
    assert len(full) == 18


def test_there_is_room_for_one_however_few_may_be_held() -> None:
    """A tenth of three is still one."""
    few = dict.fromkeys("abc")
    make_room(few, 3)
    assert list(few) == ["b", "c"]


def test_a_few_names_too_many_in_turn_are_mostly_found() -> None:
    """As a load balancer asks for keys, or a benchmark: one after the other, and again from the first."""
    remembered: dict[int, None] = {}
    missed = 0
    for turn in range(10):
        for name in range(1_010):
            if name not in remembered:
                make_room(remembered, 1_000)
                remembered[name] = None
                missed += turn > 4
    assert missed < 0.2 * 5 * 1_010
