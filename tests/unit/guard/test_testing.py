"""Fake keys behave like an instance's, so that the tests of a service mean something."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ari.guard import Ari
from ari.guard.backend import Admission, read_request
from ari.guard.testing import fake_keys


@pytest.fixture
def ari() -> Ari:
    return Ari.local("/nowhere")


def admit(ari: Ari, secret: str) -> Admission:
    """The decision about a request with this key."""
    scope = {
        "method": "GET",
        "path": "/orders",
        "query_string": b"",
        "headers": [(b"x-api-key", secret.encode())],
    }
    request = read_request(scope, ari.require("orders:read"), "/orders", ari.clock, 0.0)
    return asyncio.run(ari.admit(request))


def test_a_key_works_until_it_expires(ari: Ari) -> None:
    """The handler sees the time, and from then on the key is refused as an instance refuses it."""
    now = datetime.now(UTC)
    with fake_keys(ari) as keys:
        live = admit(ari, keys.create("orders:read", expires_at=now + timedelta(days=1)))
        assert live.refusal is None
        assert live.key is not None
        assert live.key.expires_at is not None
        assert live.key.expires_at.startswith((now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:"))
        ended = admit(ari, keys.create("orders:read", expires_at=now - timedelta(seconds=1)))
        assert ended.refusal is not None
        assert ended.refusal.code == "expired"


def test_a_revoked_key_is_refused(ari: Ari) -> None:
    """At once, and only that key."""
    with fake_keys(ari) as keys:
        first, second = keys.create("orders:read"), keys.create("orders:read")
        keys.revoke(first)
        refusal = admit(ari, first).refusal
        assert refusal is not None
        assert refusal.code == "revoked"
        assert admit(ari, second).refusal is None
