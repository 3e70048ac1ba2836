"""Rows are cleaned, and floods bounded, once for all threads of a process."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ari.base.settings import Settings
from ari.usage.floods import MAX_LISTED_PER_MINUTE, MAX_ROUTES_PER_HOUR, OTHER_ROUTES
from ari.usage.row_fitting import RowFitter
from tests.support.clock import FrozenClock
from tests.support.usage import make_row


def test_threads_together_keep_the_bounds_of_floods(tmp_path: Path, clock: FrozenClock) -> None:
    """No refusal is lost in a count, and no thread has a bound of its own."""
    fitter = RowFitter(clock, Settings(data_dir=tmp_path))
    with ThreadPoolExecutor(8) as threads:
        refusals = list(threads.map(lambda _: fitter.fit(make_row(code="revoked"), list_refusals=True), range(8 * 100)))
        routes = list(
            threads.map(
                lambda number: fitter.fit(make_row(source="guard", route=f"/{number}"), list_refusals=True).route,
                range(MAX_ROUTES_PER_HOUR + 50),
            )
        )
    assert max(row.count for row in refusals) == 800 - MAX_LISTED_PER_MINUTE
    assert routes.count(OTHER_ROUTES) == 50
