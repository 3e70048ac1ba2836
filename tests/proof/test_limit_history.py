"""The checker of limit histories finds violations that are planted, and nothing in a history that keeps the rule."""

import pytest

from tests.support.limit_history import Decided, find_disorder, find_excess, find_wrong_refusals

LIMIT, WINDOW_MS = 3, 60_000


def history(*steps: tuple[int, int, bool]) -> list[Decided]:
    return [Decided.at(at_ms, units, allowed=allowed) for at_ms, units, allowed in steps]


GOOD = history((0, 1, True), (10, 2, True), (20, 1, False), (60_999, 1, False), (61_500, 2, True), (61_501, 2, False))


def test_a_good_history_passes() -> None:
    """Every check is silent."""
    assert list(find_disorder(GOOD)) == []
    assert list(find_excess(GOOD, LIMIT, WINDOW_MS)) == []
    assert list(find_wrong_refusals(GOOD, LIMIT, WINDOW_MS)) == []


@pytest.mark.parametrize(
    "steps",
    [
        [(0, 1, True), (10, 2, True), (59_999, 1, True)],
        [(0, 4, True)],
        [(0, 1, True), (30_000, 2, True), (60_001, 1, True), (89_999, 1, True)],
    ],
)
def test_a_window_with_too_much_is_found(steps: list[tuple[int, int, bool]]) -> None:
    """The window may begin with any request."""
    assert list(find_excess(history(*steps), LIMIT, WINDOW_MS))


@pytest.mark.parametrize(
    "steps",
    [
        [(0, 1, False)],
        [(0, 1, True), (10, 2, False)],
        [(0, 3, True), (61_001, 1, False)],
        [(0, 3, True), (10, 3, False), (61_001, 3, False)],
    ],
)
def test_a_refusal_without_a_reason_is_found(steps: list[tuple[int, int, bool]]) -> None:
    """Room for it in the window and one slot more; refused requests take no room."""
    assert list(find_wrong_refusals(history(*steps), LIMIT, WINDOW_MS))


def test_only_what_is_certain_counts() -> None:
    """A decision whose time is known within bounds is judged by what holds for each time within them."""
    vague = [Decided(0, 50, 3, allowed=True), Decided(59_000, 60_040, 3, allowed=True)]
    assert list(find_excess(vague, LIMIT, WINDOW_MS)) == []
    assert list(find_excess([vague[0], Decided(59_000, 59_999, 1, allowed=True)], LIMIT, WINDOW_MS))
    assert list(find_disorder([Decided(10, 20, 1, allowed=True), Decided(0, 9, 1, allowed=True)]))
