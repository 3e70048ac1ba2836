"""Which key a request presents."""

import pytest

from ari.http.credentials import presented
from ari.http.incoming import read_head


def _presented(*headers: tuple[str, str]) -> tuple[tuple[bytes, ...], bool]:
    scope = {
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        "method": "GET",
        "path": "/api/me",
        "raw_path": b"/api/me",
        "query_string": b"",
    }
    found = presented(read_head(scope, 1, 0.0))
    return found.tokens, found.contradictory


@pytest.mark.parametrize(
    ("headers", "tokens", "contradictory"),
    [
        ([], (), False),
        ([("x-api-key", "a")], (b"a",), False),
        ([("x-api-key", " a ")], (b"a",), False),
        ([("authorization", "Bearer a")], (b"a",), False),
        ([("authorization", "bearer a")], (b"a",), False),
        ([("authorization", "Basic YTpi")], (), False),
        ([("x-api-key", "a"), ("authorization", "Basic YTpi")], (b"a",), False),
        ([("x-api-key", "a"), ("authorization", "Bearer a")], (b"a",), False),
        ([("x-api-key", "a"), ("authorization", "Bearer b")], (b"a", b"b"), True),
        ([("x-api-key", "a"), ("x-api-key", "a")], (b"a",), True),
        ([("x-api-key", "a,b")], (b"a", b"b"), True),
        ([("x_api_key", "a")], (), False),
        ([("x-api-key", "")], (b"",), False),
    ],
)
def test_what_counts(headers: list[tuple[str, str]], tokens: tuple[bytes, ...], contradictory: bool) -> None:
    """x-api-key or Bearer; other schemes are ignored; doubled or different is a contradiction."""
    assert _presented(*headers) == (tokens, contradictory)
