"""Promise 2: a row is the same after it was stored as a line, and its latest version wins in any order."""

import pytest
from msgspec.structs import replace

from ari.storage.usage.logged_row import complete, decode, encode, from_row, to_row, version_of
from ari.usage.model import UsageRow
from tests.support.logged_traffic import make_batches, make_flood
from tests.support.usage import make_row

ROWS = [
    make_row(status=None, duration_ms=None, bytes=None, client_address=None, user_agent=None),
    make_row(request_id="a\nb\"'\\\u2028", path="/\x01ä", consumed='{"a": 1}', secret_number=3, source="guard"),
    replace(make_row(), at_ms=make_row().at_ms - 61_000),
    *make_flood((7,)),
    *(row for batch in make_batches(1, 2) for row in batch.rows),
]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_comes_back_as_it_was(row: UsageRow) -> None:
    """Whatever its texts have."""
    lines = encode([from_row(row)])
    assert lines.count(b"\n") == 1
    assert [to_row(one) for one in decode(lines)] == [row]


def test_versions_grow_with_what_is_known() -> None:
    """A completion, and each higher count of a flood, is a later version."""
    begun = from_row(make_row(status=None))
    assert complete(begun, 201, 3.0, 5).version > begun.version
    assert complete(begun, 201, 3.0, 5).status == 201
    order = [version_of(status, count) for count in (1, 2, 3) for status in (0, 401)]
    assert order == sorted(set(order))


def test_the_last_end_of_a_request_is_the_latest_version() -> None:
    """Of a response that could not be sent, and of the one in its place; the same end again is no later version."""
    ended = from_row(make_row(status=200))
    corrected = complete(ended, 500, 3.0, None)
    assert (corrected.status, corrected.version) == (500, ended.version + 1)
    assert complete(ended, 200, 3.0, None).version == ended.version
