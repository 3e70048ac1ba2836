"""How long a service asks to wait."""

import pytest

from ari.outbound.retry_after import read_wait_seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], 0.0),
        ([(b"Retry-After", b"30")], 30.0),
        ([(b"ratelimit-reset", b"5"), (b"retry-after", b"7")], 7.0),
        ([(b"retry-after", b"86400")], 3600.0),
        ([(b"retry-after", b"-1")], 0.0),
        ([(b"retry-after", b"Wed, 21 Oct 2015 07:28:00 GMT")], 0.0),
    ],
)
def test_seconds_of_the_response(headers: list[tuple[bytes, bytes]], seconds: float) -> None:
    """``Retry-After`` first; at most an hour; dates and nonsense count as nothing."""
    assert read_wait_seconds(headers) == seconds
