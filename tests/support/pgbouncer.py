"""A real PgBouncer for the tests, in front of a PostgreSQL server that trusts its clients."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.support.ports import free_port
from tests.support.postgres_home import other_account

MISSING = "no PgBouncer: install the pgbouncer package; its tests are skipped"
_PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


class PgBouncer:
    """One pooler; ``url_of`` is the address of a database through it."""

    def __init__(self, folder: Path, server_url: str, pool_mode: str, ids: dict[str, Any], **settings: str) -> None:
        self._server = urlsplit(server_url)
        self._folder = folder
        self._ids = ids
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        user = self._server.username or "postgres"
        (folder / "users").write_text(f'"{user}" ""\n')
        lines = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(self.port),
            "unix_socket_dir": "",
            "auth_type": "trust",
            "auth_file": str(folder / "users"),
            "admin_users": user,
            "pool_mode": pool_mode,
            "server_login_retry": "1",
        } | settings
        server = f"host={self._server.hostname} port={self._server.port}"
        text = "\n".join(f"{name} = {value}" for name, value in lines.items())
        (folder / "pgbouncer.ini").write_text(f"[databases]\n* = {server}\n[pgbouncer]\n{text}\n")
        for path in folder.iterdir():
            path.chmod(0o644)

    def url_of(self, url: str) -> str:
        """The address through the pooler of a database that has this one on the server."""
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=f"{parts.username}@127.0.0.1:{self.port}"))

    def start(self) -> None:
        """Start and wait until it responds."""
        assert _PROGRAM is not None
        with (self._folder / "log").open("ab") as log:
            command = [_PROGRAM, str(self._folder / "pgbouncer.ini")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder, **self._ids)
        deadline = time.monotonic() + 20
        while not self._is_ready():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"PgBouncer did not start:\n{(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End at once, with all connections."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _is_ready(self) -> bool:
        try:
            psycopg.connect(self.admin_url, autocommit=True, connect_timeout=5).close()
        except psycopg.Error:
            return False
        return True

    @property
    def admin_url(self) -> str:
        """PgBouncer's own console, whose commands start with ``SHOW``."""
        return f"postgresql://{self._server.username}@127.0.0.1:{self.port}/pgbouncer"


@contextmanager
def pgbouncer(server_url: str, pool_mode: str, **settings: str) -> Iterator[PgBouncer | None]:
    """A running PgBouncer in a temporary folder, None where none is installed; settings are those of its file."""
    if _PROGRAM is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="ari-pgbouncer-"))
    folder.chmod(0o755)
    account = other_account() if os.getuid() == 0 else None  # it refuses to run as root
    ids: dict[str, Any] = (
        {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    )
    pooler = PgBouncer(folder, server_url, pool_mode, ids, **settings)
    try:
        pooler.start()
        yield pooler
    finally:
        pooler.stop()
        shutil.rmtree(folder, ignore_errors=True)
