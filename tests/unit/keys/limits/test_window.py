"""The sliding window: never more than the limit in any window, and no refusal that the rule does not ask for."""

from hypothesis import example, given
from hypothesis import strategies as st

from ari.keys.limits.window import SLOTS, Window
from tests.support.limit_history import Decided, find_excess, find_wrong_refusals

WINDOWS = st.one_of(st.integers(1, 31 * 86_400).map(lambda seconds: seconds * 1_000), st.sampled_from([1_000, 60_000]))
START = 1_764_000_000_123
STEPS = st.lists(st.tuples(st.floats(0, 0.4), st.integers(0, 6)), max_size=120)
"""How much of the window passes before a request, and its units."""


def play(window: Window, limit: int, steps: list[tuple[float, int]], start_ms: int = START) -> list[Decided]:
    """The decisions about these requests."""
    at_ms, history = start_ms, []
    for share, units in steps:
        at_ms += round(share * window.window_ms)
        window.advance(at_ms)
        allowed = window.find_fit(units, limit) == 0
        if allowed:
            window.add(units, at_ms)
        history.append(Decided.at(at_ms, units, allowed=allowed))
    return history


@given(WINDOWS, st.integers(1, 20), STEPS)
@example(1_000, 1, [(0.0, 1), (0.999, 1), (0.001, 1), (0.016, 1), (0.001, 1)])
def test_no_window_exceeds_and_nothing_allowed_is_refused(
    window_ms: int, limit: int, steps: list[tuple[float, int]]
) -> None:
    """Compared with the whole history, which knows no slots."""
    history = play(Window(window_ms), limit, steps)
    assert list(find_excess(history, limit, window_ms)) == []
    assert list(find_wrong_refusals(history, limit, window_ms)) == []


@given(WINDOWS, st.integers(1, 20), STEPS)
def test_its_memory_is_bounded(window_ms: int, limit: int, steps: list[tuple[float, int]]) -> None:
    """The current slot and 60 earlier ones, whose sum is kept."""
    window = Window(window_ms)
    play(window, limit, steps)
    assert len(window.slots) <= SLOTS + 1
    assert window.used == sum(window.slots.values()) <= limit
    assert list(window.slots) == sorted(window.slots)


@given(WINDOWS, st.integers(1, 20), STEPS, st.integers(1, 25))
def test_the_wait_is_exact(window_ms: int, limit: int, steps: list[tuple[float, int]], units: int) -> None:
    """At the time it names the units fit; a millisecond earlier they do not."""
    window = Window(window_ms)
    history = play(window, limit, steps)
    fits_at_ms = window.find_fit(units, limit)
    if fits_at_ms is None:
        assert units > limit
    elif fits_at_ms:
        assert fits_at_ms > history[-1].last_ms
        window.advance(fits_at_ms - 1)
        assert window.find_fit(units, limit) == fits_at_ms
        window.advance(fits_at_ms)
        assert window.find_fit(units, limit) == 0


@given(WINDOWS, WINDOWS, st.integers(1, 20), STEPS, st.floats(0, 0.999))
def test_a_new_length_forgets_nothing_too_early(
    old_ms: int, new_ms: int, limit: int, steps: list[tuple[float, int]], share: float
) -> None:
    """Every unit that the old window still counts counts for the whole new window."""
    window = Window(old_ms)
    history = play(window, limit, steps)
    now_ms = history[-1].last_ms if history else START
    window.advance(now_ms)
    counted = window.used
    window.resize(new_ms, now_ms)
    assert (window.used, list(window.slots)) == (counted, sorted(window.slots))
    later_ms = now_ms + int(share * new_ms)
    window.advance(later_ms)
    within = [one for one in history if one.allowed and later_ms - one.last_ms < min(old_ms, new_ms)]
    assert window.used >= sum(one.units for one in within)


def test_when_the_oldest_units_stop_counting() -> None:
    """A window and at most one slot after they were consumed; never, if there are none."""
    window = Window(60_000)
    assert window.frees_at() is None
    window.add(0, START)
    assert window.frees_at() is None
    window.add(3, START)
    frees_at_ms = window.frees_at()
    assert frees_at_ms is not None
    assert 60_000 < frees_at_ms - START <= 61_000
    window.advance(frees_at_ms - 1)
    assert window.used == 3
    window.advance(frees_at_ms)
    assert (window.used, window.slots) == (0, {})
