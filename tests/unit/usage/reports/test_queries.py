"""Queries on the usage log that doors run with ``Deps.report``."""

from pathlib import Path

from ari.usage.model import UsageFilter
from ari.usage.ports import Batch
from ari.usage.reports.queries import find_rows, last_uses
from ari.usage.search import UsageSearch
from tests.support.instances import START_MS, opened
from tests.support.usage import OTHER_KEY, make_row


def test_matching_rows_come_newest_first_and_page_by_page(data_dir: Path) -> None:
    """Each once; rows of another key are left out."""
    with opened(data_dir, None) as instance:
        rows = [make_row(START_MS + number) for number in range(3)]
        instance.database.usage.commit(Batch([*rows, make_row(key_id=OTHER_KEY)]))
        reader, search = instance.database.reports, UsageSearch(UsageFilter(rows[0].key_id))
        first = find_rows(reader, search, None, 2).rows
        second = find_rows(reader, search, first[-1].id, 2).rows
        assert [row.id for row in (*first, *second)] == [row.id for row in reversed(rows)]
        assert last_uses(reader) == {}
