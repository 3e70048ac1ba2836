"""Promise 3: of requests that are staged again, one is counted, whichever entries a fold has."""

from ari.storage.usage.logged_row import LoggedRow, from_row
from ari.storage.usage.row_ids import RowId
from ari.storage.usage.shipping import choose_counted
from tests.support.logged_traffic import make_flood
from tests.support.usage import make_row


def _stage(row: LoggedRow, number: int) -> LoggedRow:
    row = LoggedRow(**{name: getattr(row, name) for name in LoggedRow.__struct_fields__})
    row.staged = number
    return row


ONE, OTHER = from_row(make_row()), from_row(make_row())


def _choose(rows: list[LoggedRow], stored: dict[RowId, int]) -> tuple[list[int], set[int]]:
    chosen, repeated = choose_counted(rows, stored)
    return [row.staged for row in chosen], repeated


def test_new_requests_are_counted() -> None:
    """Nothing is stored under their ids."""
    assert _choose([_stage(ONE, 1), _stage(OTHER, 2)], {}) == ([1, 2], set())


def test_the_first_of_two_is_counted() -> None:
    """Two entries of one fold repeat a request."""
    assert _choose([_stage(ONE, 1), _stage(OTHER, 2), _stage(ONE, 3)], {}) == ([1, 2], {3})


def test_a_request_that_a_fold_has_counted_is_not_counted_again() -> None:
    """It is stored under the number of another entry."""
    assert _choose([_stage(ONE, 4), _stage(ONE, 5)], {ONE.row_id: 1}) == ([], {4, 5})


def test_an_entry_whose_row_a_killed_fold_has_sent_is_counted() -> None:
    """It is stored under the number of an entry that is still staged."""
    assert _choose([_stage(ONE, 4)], {ONE.row_id: 4}) == ([4], set())
    assert _choose([_stage(ONE, 4), _stage(ONE, 5)], {ONE.row_id: 5}) == ([5], {4}), "4 was committed late"


def test_a_moved_request_is_not_counted_again() -> None:
    """PostgreSQL counted it before the log moved."""
    assert _choose([_stage(ONE, 4)], {ONE.row_id: ONE.staged}) == ([], {4})


def test_the_first_request_of_a_flood_is_looked_for_in_postgresql() -> None:
    """ClickHouse may have a later count of it."""
    flood = from_row(make_flood((1,))[0])
    assert _choose([_stage(flood, 4)], {flood.row_id: 9}) == ([4], set())
