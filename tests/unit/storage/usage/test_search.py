"""Searches of the log: what is found, where a step ends, and that wildcards of callers are plain text."""

from typing import Any

import pytest

from ari.instance import Instance
from ari.storage.usage.search import find, newest_statuses
from ari.usage.model import UsageRow
from ari.usage.ports import Batch
from ari.usage.search import StatusRange, UsageSearch
from tests.support.instances import START_MS
from tests.support.usage import make_row


@pytest.fixture
def rows(instance: Instance) -> list[UsageRow]:
    """Newest first."""
    fields: list[dict[str, Any]] = [
        {"path": "/100%", "status": 200},
        {"path": "/a_b", "status": 404, "method": "POST"},
        {"path": "/axb", "status": None, "client_address": "198.51.100.1"},
        {"path": "/plain", "status": 404, "user_agent": "Agent/1 _é"},
    ]
    made = [make_row(START_MS + number, **one) for number, one in enumerate(fields)]
    instance.database.usage.commit(Batch(made))
    instance.database.usage.fold_all()
    return made[::-1]


@pytest.mark.parametrize(
    ("search", "paths"),
    [
        (UsageSearch(), ["/plain", "/axb", "/a_b", "/100%"]),
        (UsageSearch(text="%"), ["/100%"]),
        (UsageSearch(text="a_b"), ["/a_b"]),
        (UsageSearch(text="AGENT/1"), ["/plain"]),
        (UsageSearch(text="198.51"), ["/axb"]),
        (UsageSearch(method="POST"), ["/a_b"]),
        (UsageSearch(status=StatusRange(400, 499)), ["/plain", "/a_b"]),
        (UsageSearch(status=StatusRange(None, None)), ["/axb"]),
        (UsageSearch(status=StatusRange(404, 404), text="plain"), ["/plain"]),
    ],
)
def test_what_a_search_finds(instance: Instance, rows: list[UsageRow], search: UsageSearch, paths: list[str]) -> None:
    """Newest first; ``%`` and ``_`` of a caller are letters as any other."""
    with instance.database.log.connect() as connection:
        page = find(connection, search, None, 9)
    assert [row.path for row in page.rows] == paths
    assert page.next_before is None


def test_a_step_that_finds_nothing_says_where_to_go_on(instance: Instance, rows: list[UsageRow]) -> None:
    """It reads a bounded number of rows; the next step begins behind the last one that was read."""
    search, looked, before = UsageSearch(text="/100%"), [], None
    with instance.database.log.connect() as connection:
        while True:
            page = find(connection, search, before, 9, look=2)
            looked.append(([row.path for row in page.rows], page.searched_to_ms))
            before = page.next_before
            if before is None:
                break
    assert looked == [([], START_MS + 2), (["/100%"], START_MS), ([], None)]


@pytest.mark.parametrize("search", [UsageSearch(), UsageSearch(text="/")])
def test_a_full_page_ends_at_its_last_row(instance: Instance, rows: list[UsageRow], search: UsageSearch) -> None:
    """The cursor is the last row shown, so that the next page misses none."""
    with instance.database.log.connect() as connection:
        page = find(connection, search, None, 2)
        rest = find(connection, search, page.next_before, 2)
    assert page.next_before == rows[1].id
    assert [row.id for row in (*page.rows, *rest.rows)] == [row.id for row in rows]


def test_statuses_of_the_newest_rows(instance: Instance, rows: list[UsageRow]) -> None:
    """The most frequent first, over no more rows than requested."""
    with instance.database.log.connect() as connection:
        assert newest_statuses(connection, UsageSearch(), 4)[0] == (404, 2)
        assert dict(newest_statuses(connection, UsageSearch(), 2)) == {404: 1, None: 1}
