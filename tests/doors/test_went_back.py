"""A server whose keys went back in time while it was off: it starts, responds with 503, and recovers once accepted."""

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx2
import psycopg

from tests.support.processes import eventually


def _copy(owner: Any) -> bytes:
    file = owner.server.data_dir / "ari.db"
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return bytes(file.read_bytes())


def test_a_server_that_starts_on_an_older_database_waits_for_its_operator(owner: Any) -> None:
    """The revoked key in it gets no 200 before an operator says so, and the reason is named."""
    key, secret = owner.create_key("k")
    owner.server.stop()
    before = _copy(owner)
    owner.cli("keys", "revoke", key["id"], "--yes", check=True)
    _copy(owner)
    (owner.server.data_dir / "ari.db").write_bytes(before)
    _check_waits_for_operator(owner, secret, key["id"])
    eventually(lambda: owner.api(secret).get("/api/me").status_code == 200)


def test_the_same_on_postgresql(make_owner: Callable[..., Any], postgres_url: str) -> None:
    """Nothing else of the start fails where the database lost its newest event."""
    owner = make_owner(database_url=postgres_url)
    key, secret = owner.create_key("k")
    owner.cli("keys", "revoke", key["id"], "--yes", check=True)
    owner.server.stop()
    with psycopg.connect(postgres_url) as connection:
        connection.execute("ALTER TABLE events DISABLE TRIGGER USER")
        connection.execute("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)")
        connection.execute("ALTER TABLE events ENABLE TRIGGER USER")
    _check_waits_for_operator(owner, secret, key["id"])


def _is_ok(owner: Any, path: str) -> bool:
    return bool(owner.api().get(path).status_code == 200)


def _check_waits_for_operator(owner: Any, secret: str, key_id: str) -> None:
    owner.server.start(wait=False)
    eventually(lambda: _status(owner, "/api/health") == 503)
    for path in ("/api/me", "/api/keys", "/api/openapi.json"):
        assert owner.api(secret).get(path).status_code == 503
    ready = owner.api().get("/api/ready")
    assert ready.status_code == 503
    assert "went back in time" in ready.json()["detail"]
    assert f"key_revoked {key_id}" in owner.server.log_text()
    assert "went back in time" in str(owner.cli("doctor").stdout)
    owner.cli("database", "accept", "--yes", check=True)
    for path in ("/api/ready", "/api/health"):
        eventually(partial(_is_ok, owner, path))


def _status(owner: Any, path: str) -> int | None:
    try:
        return int(owner.api().get(path).status_code)
    except httpx2.TransportError:
        return None
