"""Following the usage log: no row twice, none lost, although workers commit out of order."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ari.base.clock import from_rfc3339, to_rfc3339
from ari.base.ids import new_id
from ari.cli.tail import Tail, read_newest

NOW_MS = 1_800_000_000_000
OVERLAP_MS = 10_000
Row = dict[str, Any]


class Log:
    """The part of a target that a tail reads."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(self, at_ms: int, status: int | None = 200) -> Row:
        row: Row = {"id": new_id("req", at_ms), "time": to_rfc3339(at_ms), "status": status}
        self.rows.append(row)
        return row

    def read(self, since_ms: int | None, cursor: str | None, limit: int) -> tuple[list[Row], str | None]:
        found = [row for row in self.rows if since_ms is None or from_rfc3339(row["time"]) >= since_ms]
        found = [row for row in found if cursor is None or row["id"] < cursor]
        found.sort(key=lambda row: row["id"], reverse=True)
        return found[:limit], found[limit - 1]["id"] if len(found) > limit else None


def _tail(log: Log) -> Tail:
    return Tail(log.read, OVERLAP_MS)


def test_newest_reads_page_by_page() -> None:
    """A limit beyond one page is honoured."""
    log = Log()
    for number in range(450):
        log.add(NOW_MS + number)
    rows = read_newest(log.read, None, 420)
    assert len(rows) == 420
    assert rows[0]["time"] == to_rfc3339(NOW_MS + 449)


def test_it_begins_with_the_last_rows_oldest_first() -> None:
    """The first screen is the end of the log, as tail shows it."""
    log = Log()
    old = [log.add(NOW_MS - 60_000 + number) for number in range(5)]
    assert _tail(log).start(NOW_MS, 3) == old[2:]


def test_rows_before_the_beginning_are_never_shown_later() -> None:
    """Rows within the overlap but beyond the limit stay out."""
    log = Log()
    for number in range(5):
        log.add(NOW_MS - 100 + number)
    tail = _tail(log)
    tail.start(NOW_MS, 2)
    assert tail.more(NOW_MS + 1000) == []


def test_a_late_commit_is_shown() -> None:
    """A row that another worker commits seconds later, with an earlier time, is not lost."""
    log = Log()
    tail = _tail(log)
    tail.start(NOW_MS, 10)
    first = log.add(NOW_MS + 500)
    assert tail.more(NOW_MS + 1000) == [first]
    late = log.add(NOW_MS + 400)
    assert tail.more(NOW_MS + 2000) == [late]


def test_a_running_request_is_shown_once_with_its_status() -> None:
    """An unsafe request waits for its status; it is shown once."""
    log = Log()
    tail = _tail(log)
    tail.start(NOW_MS, 10)
    row = log.add(NOW_MS, status=None)
    assert tail.more(NOW_MS + 1000) == []
    log.rows[0] = done = row | {"status": 201}
    assert tail.more(NOW_MS + 2000) == [done]
    assert tail.more(NOW_MS + 3000) == []


def test_a_request_that_never_ends_is_shown_without_status() -> None:
    """A handler that died does not hide that the request came."""
    log = Log()
    tail = _tail(log)
    tail.start(NOW_MS, 10)
    row = log.add(NOW_MS, status=None)
    assert tail.more(NOW_MS + OVERLAP_MS // 2) == [row]


def test_a_clock_set_back_repeats_nothing() -> None:
    """Rows shown stay shown when the clock steps."""
    log = Log()
    tail = _tail(log)
    tail.start(NOW_MS, 10)
    log.add(NOW_MS)
    assert len(tail.more(NOW_MS + 1000)) == 1
    assert tail.more(NOW_MS - 3_600_000) == []
    back = log.add(NOW_MS - 3_599_000)
    assert tail.more(NOW_MS - 3_598_000) == [back]


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 4)), max_size=30))
def test_every_row_is_shown_exactly_once(events: list[tuple[int, int]]) -> None:
    """For any order of commits that is at most the overlap late."""
    log = Log()
    tail = _tail(log)
    seen = [row["id"] for row in tail.start(NOW_MS, 10)]
    now_ms = NOW_MS
    for late_ms, polls in events:
        log.add(now_ms - late_ms)
        for _ in range(polls):
            now_ms += 1000
            seen += [row["id"] for row in tail.more(now_ms)]
    seen += [row["id"] for row in tail.more(now_ms + 1000)]
    assert sorted(seen) == sorted(row["id"] for row in log.rows)
