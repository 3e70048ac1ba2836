"""Lists of keys by data of two databases.

``tests/contract/storage/stores/test_key_listing.py`` has them on the real ones.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ari.deps import Deps
from ari.instance import Instance
from ari.keys.listing import Cursor, KeyFilter
from ari.storage.transaction import Transaction
from ari.usage.ports import Batch
from ari.usage.reports.listing import SORTS, Page, Sort, page_of_keys
from tests.support.commands import clock_of, create_key
from tests.support.instances import START_MS, opened
from tests.support.usage import make_row


@pytest.fixture
def instance(data_dir: Path) -> Iterator[Instance]:
    """Five keys, of which ``a`` was used twice and ``c`` once and later."""
    with opened(data_dir, None) as made:
        ids = {}
        for name in "abcde":
            clock_of(made).advance(1)
            expires = START_MS + 10**9 if name in "bd" else None
            ids[name] = create_key(made, name, expires_at_ms=expires).key.id
        used = [("a", 10_000), ("a", 11_000), ("c", 20_000)]
        made.database.usage.commit(Batch([make_row(START_MS + ms, key_id=ids[name]) for name, ms in used]))
        yield made


def _page(instance: Instance, where: KeyFilter, sort: Sort, after: Cursor | None, limit: int) -> Page:
    def read(tx: Transaction) -> Page:
        return page_of_keys(tx.listing, instance.database.usage, where, sort, after, limit)

    return Deps(instance).read_sync(read)


def _names(instance: Instance, sort: str, limit: int, show: str = "all") -> str:
    wanted = Sort.of(sort)
    assert wanted is not None
    where = KeyFilter(START_MS + 60_000, show=show)  # type: ignore[arg-type]  # a text of the test's table
    names, after = "", None
    while True:
        page = _page(instance, where, wanted, after, limit)
        assert len(page.rows) <= limit
        names += "".join(row.key.name for row in page.rows)
        after = page.after
        if after is None:
            return names


@pytest.mark.parametrize("limit", [1, 2, 5])
@pytest.mark.parametrize(
    ("sort", "names"),
    [("name", "abcde"), ("-name", "edcba"), ("-created", "edcba"), ("-used", "caedb"), ("-requests", "acedb")],
)
def test_pages_of_any_size_join_to_one_list(instance: Instance, sort: str, names: str, limit: int) -> None:
    """Every key once, also where the two databases meet; the keys never used are newest first."""
    assert _names(instance, sort, limit) == names


def test_keys_that_never_expire_are_apart(instance: Instance) -> None:
    """They come last where the next expiry is wanted."""
    assert set(_names(instance, "expires", 2)[:2]) == {"b", "d"}


def test_a_filter_by_use_reads_on_until_a_page_is_full(instance: Instance) -> None:
    """Keys that do not match leave no hole."""
    assert _names(instance, "name", 2, "never-used") == "bde"


def test_a_sort_is_read_as_it_is_written() -> None:
    """It is in URLs of pages; an unknown one is no sort."""
    for by in SORTS:
        for text in (by, f"-{by}"):
            assert str(Sort.of(text)) == text
    assert Sort.of("colour") is None
    assert Sort.of("--name") is None
