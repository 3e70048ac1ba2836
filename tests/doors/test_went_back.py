"""A server whose keys went back in time while it was off: it starts, answers 503 and recovers when it is accepted."""

import sqlite3
from typing import Any

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
    owner.server.start()
    for path in ("/api/me", "/api/keys", "/api/openapi.json"):
        assert owner.api(secret).get(path).status_code == 503
    ready = owner.api().get("/api/ready")
    assert ready.status_code == 503
    assert "went back in time" in ready.json()["detail"]
    assert f"key_revoked {key['id']}" in owner.server.log_text()
    owner.cli("database", "accept", "--yes", check=True)
    eventually(lambda: owner.api(secret).get("/api/me").status_code == 200)
    eventually(lambda: owner.api().get("/api/ready").status_code == 200)
