"""The log of a running server: old rows go by themselves, and a probe learns when it cannot be written."""

import sqlite3
import time
from collections.abc import Callable
from typing import Any

DAYS = 91 * 86_400


def _rows(owner: Any, key: dict[str, Any]) -> int:
    return len(owner.cli.json("usage", "--key", key["id"])["items"])


def _wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.1)


def test_old_rows_go_and_the_counts_of_the_key_stay(make_owner: Any) -> None:
    """By ARI_USAGE_RETENTION_DAYS, 90 by default; 0 keeps them for ever."""
    owner = make_owner(settings={"ARI_USAGE_RETENTION_DAYS": "0"})
    key, secret = owner.create_key("k")
    for _ in range(3):
        assert owner.api(secret).get("/api/me").status_code == 200
    owner.server.clock.advance(DAYS)
    owner.server.restart()
    assert owner.api(secret).get("/api/me").status_code == 200
    assert _rows(owner, key) == 4
    owner.server.settings["ARI_USAGE_RETENTION_DAYS"] = "90"
    owner.server.restart()
    _wait_until(lambda: _rows(owner, key) == 1)
    assert owner.api(secret).get("/api/me").json()["key"]["request_count"] in (4, 5)


def test_a_probe_learns_that_the_log_cannot_be_written(make_owner: Any) -> None:
    """503 at /api/ready and /api/health, which are well again with the first request that is logged."""
    owner = make_owner(settings={"ARI_USAGE_WAIT_SECONDS": "0.5"})
    _, secret = owner.create_key("k")
    client = owner.api(secret)
    ready = owner.api()
    assert client.get("/api/me").status_code == 200
    assert ready.get("/api/ready").json().items() >= {"status": "ok", "low_disk": False}.items()
    connection = sqlite3.connect(owner.server.data_dir / "usage-staging.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        assert client.get("/api/me").status_code == 503
        assert ready.get("/api/ready").status_code == 503
        assert ready.get("/api/health").status_code == 503
    finally:
        connection.execute("ROLLBACK")
        connection.close()
    _wait_until(lambda: client.get("/api/me").status_code == 200)
    assert ready.get("/api/ready").status_code == 200
