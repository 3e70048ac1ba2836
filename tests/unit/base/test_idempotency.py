"""Valid Idempotency-Keys, and the binding of a stored response to its request."""

import pytest

from ari.base.errors import Invalid
from ari.base.idempotency import key_of


@pytest.mark.parametrize(
    ("header", "key"), [(None, None), ("a", "a"), (' "a b" ', "a b"), ("a" * 255, "a" * 255), ('"', '"')]
)
def test_keys_of_headers(header: str | None, key: str | None) -> None:
    """Plain text or a quoted string (RFC 9651)."""
    assert key_of(header) == key


@pytest.mark.parametrize("header", ["", " ", '""', "a" * 256, "a\x00", "é", "a\tb"])
def test_unusable_headers(header: str) -> None:
    """Empty, long, or not printable ASCII."""
    with pytest.raises(Invalid):
        key_of(header)
