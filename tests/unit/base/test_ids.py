"""Ids: sortable, unguessable, with their kind in front."""

import itertools
import sys
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from ari.base import ids
from ari.base.ids import id_prefix, is_id, new_id

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@given(st.integers(0, 2**48 - 2))
def test_ids_sort_by_time(now_ms: int) -> None:
    """A later id is greater, whatever its random part."""
    assert new_id("key", now_ms) < new_id("key", now_ms + 1)


def test_ids_of_one_millisecond_sort_in_the_order_they_were_made() -> None:
    """Lists are newest first, also among requests of the same millisecond."""
    made = [new_id("req", 1) for _ in range(5_000)]
    assert made == sorted(made)


def test_the_order_holds_between_ids_of_other_times() -> None:
    """A transaction keeps its time while later requests arrive; a clock may also go back."""
    made = [(new_id("evt", 7), new_id("req", 8 + later)) for later in range(500)]
    own = [event for event, _ in made]
    assert own == sorted(own)


def test_the_order_holds_in_each_of_many_threads() -> None:
    """No two threads get the same id or an older one."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: [new_id("req", 3) for _ in range(500)], range(16)))
    assert all(one == sorted(one) for one in made)
    assert len({*itertools.chain(*made)}) == 16 * 500


def number_of(made: str) -> int:
    """The number that counts up within a millisecond: the four letters after the time."""
    number = 0
    for letter in made.removeprefix("req_")[10:14]:
        number = number * 32 + ALPHABET.index(letter)
    return number


def test_only_recent_milliseconds_are_remembered() -> None:
    """A server that runs for months uses no more memory for them: a forgotten one begins with another number."""
    first_ms = 7 * 10**13  # which no other test of this process uses
    numbers = [number_of(new_id("req", first_ms + at_ms)) for at_ms in range(ids.MAX_INSTANTS + 1)]
    assert number_of(new_id("req", first_ms + 1)) == numbers[1] + 1
    assert number_of(new_id("req", first_ms + ids.MAX_INSTANTS)) == numbers[-1] + 1
    assert number_of(new_id("req", first_ms)) != numbers[0] + 1


def test_many_threads_remember_no_more() -> None:
    """Threads that begin milliseconds at once leave none behind that is never forgotten."""
    interval_seconds = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda at_ms: new_id("req", at_ms), range(8 * 10**13, 8 * 10**13 + 20_000)))
    finally:
        sys.setswitchinterval(interval_seconds)
    first_ms = 9 * 10**13
    numbers = [number_of(new_id("req", first_ms + at_ms)) for at_ms in range(ids.MAX_INSTANTS + 1)]
    assert number_of(new_id("req", first_ms)) != numbers[0] + 1
    assert number_of(new_id("req", first_ms + ids.MAX_INSTANTS)) == numbers[-1] + 1


def test_the_next_id_can_not_be_guessed() -> None:
    """The last 12 letters, 60 bits, are random in every id: none of them repeats or counts."""
    ends = [new_id("req", 2)[-12:] for _ in range(1_000)]
    assert len(set(ends)) == 1_000
    assert ends != sorted(ends)


@given(st.integers(0, 2**48 - 1))
def test_the_prefix_is_that_of_every_id_of_its_time(at_ms: int) -> None:
    """A span of time is a span of ids."""
    assert new_id("req", at_ms).startswith(id_prefix("req", at_ms))


def test_the_form_is_checked() -> None:
    """A lookup is made only for what can be an id."""
    assert is_id("key", new_id("key", 1))
    for bad in ("", "key_", "key_1", new_id("usr", 1), new_id("key", 1).lower(), new_id("key", 1) + "A"):
        assert not is_id("key", bad)
