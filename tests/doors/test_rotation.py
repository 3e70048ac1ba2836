"""Rotation on real servers: a retired secret is dead at the next request in every worker, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support import raw


@pytest.fixture
def two_workers(make_owner: Any, database: Any) -> Any:
    return make_owner(database_url=database.url, workers=2)


def _codes(owner: Any, secret: str, times: int = 12) -> set[int]:
    """The statuses of requests on connections of their own, which reach both workers."""
    header = f"x-api-key: {secret}".encode()
    return {raw.get(owner.server.port, b"/api/me", header).status for _ in range(times)}


def test_a_retired_secret_is_dead_in_every_worker(two_workers: Any) -> None:
    """At the end of the overlap, and at once if it is retired early; the new one goes on."""
    owner = two_workers
    key, first = owner.create_key("rotated", scopes=["api:read"])
    assert _codes(owner, first) == {200}
    second = owner.cli("keys", "rotate", key["id"], "--overlap", "1h", check=True).stdout.strip()
    assert (_codes(owner, first), _codes(owner, second)) == ({200}, {200})
    owner.server.clock.advance(3_600)
    assert (_codes(owner, first), _codes(owner, second)) == ({401}, {200})
    owner.server.clock.advance(-3_600)
    assert _codes(owner, first) == {401}
    third = owner.cli("keys", "rotate", key["id"], check=True).stdout.strip()
    assert _codes(owner, second) == {200}
    owner.cli("keys", "retire-old", "--yes", key["id"], check=True)
    assert (_codes(owner, second), _codes(owner, third)) == ({401}, {200})
    owner.cli("keys", "revoke", "--yes", key["id"], check=True)
    assert _codes(owner, third) == {401}


def test_of_rotations_at_once_one_succeeds(owner_on: Any) -> None:
    """The others are conflicts: never more than two active secrets."""
    key, _ = owner_on.create_key("rotated", scopes=["api:read"])
    admin = owner_on.create_key("admin", scopes=["*"])[1]
    clients = [owner_on.api(admin) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(lambda client: client.post(f"/api/keys/{key['id']}/rotate").status_code, clients))
    assert sorted(statuses) == [201, 409, 409, 409, 409, 409]
    secrets = clients[0].get(f"/api/keys/{key['id']}").json()["secrets"]
    assert [one["number"] for one in secrets] == [2, 1]
