"""A ClickHouse for tests: a process with its engine, or the server that ``ARI_TEST_CLICKHOUSE_URL`` names."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import urllib3

from ari.base.clickhouse_url import ClickHouseUrl
from ari.storage.clickhouse.clickhouse_client import ClickHouse
from tests.support.ports import free_port
from tests.support.processes import eventually, kill

PASSWORD = "horse battery"
URL = "ARI_TEST_CLICKHOUSE_URL"


class Engine:
    """A server, whose databases are created as tests need them. ``url`` names its default database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._admin = ClickHouse(lambda: ClickHouseUrl.parse(url))

    def create(self) -> str:
        """The URL of a new database."""
        name = f"ari_{secrets.token_hex(6)}"
        self._admin.change(f"CREATE DATABASE {name}")
        parts = urlsplit(self.url)
        return parts._replace(path=f"/{name}").geturl()

    def drop(self, url: str) -> None:
        """Drop a database."""
        self._admin.change(f"DROP DATABASE {ClickHouseUrl.parse(url).database}")

    def close(self) -> None:
        """Close the connections of this object."""
        self._admin.close()


class OwnEngine(Engine):
    """An engine that a test can stop; its data outlives the process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        super().__init__(f"clickhouse://ari:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self._port}/default?secure=false")

    def start(self) -> None:
        """Start it, and wait until it responds."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.clickhouse_engine", str(self._port), str(self._folder)],
            env={**os.environ, "ENGINE_PASSWORD": PASSWORD},
        )
        eventually(self._responds, 60)

    def kill(self) -> None:
        """End the process as a power failure would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """Let it hang."""
        assert self._process is not None
        kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        kill(self._process.pid, signal.SIGCONT)

    def end(self) -> None:
        """End it, whatever the test did to it."""
        if self._process is not None and self._process.poll() is None:
            self.resume()
            self.kill()

    def _responds(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the engine ended"
        with urllib3.PoolManager() as http:
            try:
                return (
                    http.request("GET", f"http://127.0.0.1:{self._port}/ping", retries=False, timeout=2).status == 200
                )
            except urllib3.exceptions.HTTPError:
                return False


@contextmanager
def start_own() -> Iterator[OwnEngine]:
    """An engine of the test's own."""
    folder = Path(tempfile.mkdtemp(prefix="ari-clickhouse-"))
    engine = OwnEngine(folder)
    try:
        engine.start()
        yield engine
    finally:
        engine.close()
        engine.end()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def start() -> Iterator[Engine]:
    """The server that the environment names, or an engine of our own."""
    if URL in os.environ:
        engine = Engine(os.environ[URL])
        yield engine
        engine.close()
        return
    with start_own() as own:
        yield own
