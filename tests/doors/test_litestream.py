"""Promise 1 after a restore of Litestream's copies, as docs/guides/back-up-and-restore.md says."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import httpx2

from tests.support.command import Cli
from tests.support.litestream import Litestream
from tests.support.processes import eventually
from tests.support.server import ServerProcess


def _has_key(litestream: Litestream, path: Path, name: str) -> bool:
    path.unlink(missing_ok=True)
    if not litestream.restore("ari.db", path):
        return False
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT 1 FROM api_keys WHERE name = ?", (name,)).fetchone() is not None


def _try(owner: Any, secret: str) -> httpx2.Response | None:
    """The response to the key, ``None`` while the server doesn't listen yet."""
    try:
        return cast("httpx2.Response", owner.api(secret).get("/api/me"))
    except httpx2.ConnectError:
        return None


def _restore_all(litestream: Litestream, folder: Path) -> None:
    for path in folder.glob("usage-staging.db*"):
        path.unlink()
    for name in litestream.databases:
        for left in folder.glob(f"{name}*"):
            left.unlink()
        assert litestream.restore(name, folder / name)


def test_copies_of_litestream(
    make_owner: Callable[..., Any], make_server: Callable[..., ServerProcess], data_dir: Path, tmp_path: Path
) -> None:
    """A running server isn't disturbed; a later revoke is missing, which only a node that saw it refuses."""
    owner = make_owner()
    litestream = Litestream(data_dir, tmp_path / "litestream")
    with litestream.replicating() as process:
        key, secret = owner.create_key("early")
        eventually(lambda: _has_key(litestream, tmp_path / "look.db", "early"), 60)
        assert {owner.api(secret).get("/api/me").status_code for _ in range(20)} == {200}
        owner.cli("backup", str(tmp_path / "own.backup"), check=True)  # moves what is staged into the copied file
        assert process.poll() is None
    owner.cli("keys", "revoke", key["id"], "--yes", check=True)
    assert owner.api(secret).get("/api/me").status_code == 401
    owner.server.stop()

    new = tmp_path / "new"
    new.mkdir(mode=0o700)
    shutil.copy2(data_dir / "master.key", new)
    _restore_all(litestream, new)
    server = make_server(new)
    cli = Cli(server.environment, server.folder)
    assert [one for one in cli.json("doctor", "--audit")["checks"] if one["state"] == "wrong"] == []
    server.start()
    found = cli.json("keys", "show", key["id"])
    assert (found["status"], found["request_count"]) == ("active", 20), "a new machine can't know of the revoke"
    assert [one for one in cli.json("doctor", "--audit")["checks"] if one["state"] == "wrong"] == []
    server.stop()

    _restore_all(litestream, data_dir)
    owner.server.start(wait=False)
    eventually(lambda: "went back in time" in owner.server.log_text(), 60)
    refused = eventually(lambda: _try(owner, secret), 60)
    assert refused is not None
    assert refused.status_code == 503
    owner.server.stop()
    owner.cli("database", "accept", "--yes", check=True)
    owner.cli("keys", "disable", key["id"], check=True)
    owner.server.start()
    assert owner.api(secret).get("/api/me").status_code == 401
