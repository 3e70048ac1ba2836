"""The status of a key: dead beats disabled, and what was seen dead stays dead."""

from dataclasses import replace
from typing import Any

import pytest

from ari.keys.model import ApiKey, Granted, Refused
from ari.keys.reasons import REVOKED

NOW = 1_800_000_000_000
KEY = ApiKey("key_1", "n", "h", ("api:read",), NOW - 10, "usr_1", expires_at_ms=NOW + 10)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "active"),
        ({"disabled": True}, "disabled"),
        ({"expires_at_ms": NOW}, "expired"),
        ({"expires_at_ms": NOW, "disabled": True}, "expired"),
        ({"expires_at_ms": None, "expired_seen_at_ms": NOW - 5}, "expired"),
        ({"revoked_at_ms": NOW, "expires_at_ms": NOW - 1}, "revoked"),
        ({"deleted_at_ms": NOW}, "revoked"),
        ({"deleted_at_ms": NOW, "expires_at_ms": NOW}, "expired"),
    ],
)
def test_the_strongest_state_counts(fields: Any, status: str) -> None:
    """A deleted key is never active, even in a database that was edited."""
    key = replace(KEY, **fields)
    assert key.status(NOW) == status
    assert key.is_inactive(NOW) is (status in ("revoked", "expired"))


def test_a_key_expires_at_its_instant() -> None:
    """Not a millisecond later."""
    assert not KEY.is_expired(NOW + 9)
    assert KEY.is_expired(NOW + 10)


def test_a_verdict_is_true_only_if_granted() -> None:
    """``if verdict`` must never let a refused key in."""
    assert Granted(KEY)
    assert not Refused(REVOKED, KEY)
