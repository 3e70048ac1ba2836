"""A PostgreSQL server for the tests: the one named, a private one from installed binaries, or the local one.

A private one does not sync its files, and nobody else's work slows it down.
"""

import getpass
import itertools
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.support.admin_connection import AdminConnection
from tests.support.ports import free_port
from tests.support.postgres_home import make_home

MISSING = "no PostgreSQL: set ARI_TEST_DATABASE_URL, or install the postgresql package; its tests are skipped"
_numbers = itertools.count(1)
_homes: dict[str, "PostgresServer"] = {}
"""The servers of the databases that were made here, by address."""


class PostgresServer:
    """A server on which databases may be created; ``admin_url`` names the database to do that from."""

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url
        self._strategy = ""
        self._filled: str | None = None
        self._spare: str | None = None
        self._admin = AdminConnection(admin_url)

    def url_of(self, database: str) -> str:
        """The address of another database on this server."""
        return urlunsplit(urlsplit(self.admin_url)._replace(path=f"/{database}"))

    def create(self) -> str:
        """Make an empty database of its own and give its address."""
        name = f"ari_test_{os.getpid()}_{next(_numbers)}"
        if self._spare is None:
            # template0: a copy of template1 fails while anybody is connected to it.
            return self._create(name, "template0")
        spare, self._spare = self._spare, None
        return self._rename(spare, name)

    def drop(self, url: str) -> None:
        """Remove a database, also while servers are still connected to it."""
        self._admin.run(f'DROP DATABASE IF EXISTS "{_name_of(url)}" WITH (FORCE)')
        _homes.pop(url, None)

    def replace(self, url: str, fill: Callable[[str], None]) -> None:
        """Put a copy of what ``fill`` makes of an empty database in the place of an empty one; it is called once."""
        if self._filled is None:
            made = self.create()
            fill(made)
            self._filled = made
        if self._spare is None:  # renamed, it is the next empty one
            self._spare = self._rename(url, f"ari_test_{os.getpid()}_spare")
        else:
            self.drop(url)
        self._create(_name_of(url), _name_of(self._filled))

    def close(self) -> None:
        """Remove what copies consist of, and leave."""
        for url in filter(None, (self._filled, self._spare)):
            self.drop(url)
        self._admin.close()

    def _rename(self, url: str, name: str) -> str:
        self._admin.run(f'ALTER DATABASE "{_name_of(url)}" RENAME TO "{name}"')
        del _homes[url]
        url = self.url_of(name)
        _homes[url] = self
        return url

    def _create(self, name: str, template: str) -> str:
        self._admin.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"{self._strategy}')
        url = self.url_of(name)
        _homes[url] = self
        return url


def home_of(url: str) -> PostgresServer | None:
    """The server on which this database was made, None where it was not made here."""
    return _homes.get(url)


def is_empty(url: str) -> bool:
    """Whether nothing was made in this database yet."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        question = "SELECT NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
        row = connection.execute(question).fetchone()
    return row is not None and bool(row[0])


def _name_of(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


@contextmanager
def postgres_server() -> Iterator[PostgresServer | None]:
    """The server to test with, None where there is none; a private one ends with the block."""
    named = os.environ.get("ARI_TEST_DATABASE_URL")
    if named:
        if not _may_create(named):
            raise RuntimeError("ARI_TEST_DATABASE_URL does not answer, or its user may not create databases")
        yield from _stop_after(PostgresServer(named))
        return
    binaries = find_programs()
    if binaries is not None:
        with private_server(binaries) as private:
            yield private
        return
    local = next(filter(_may_create, _local_urls()), None)
    if local is None:
        yield None
    else:
        yield from _stop_after(PostgresServer(local))


def _stop_after(server: PostgresServer) -> Iterator[PostgresServer]:
    try:
        yield server
    finally:
        server.close()


def _local_urls() -> Iterator[str]:
    for user, database in itertools.product(dict.fromkeys((getpass.getuser(), "postgres")), ("test", "postgres")):
        yield f"postgresql://{user}@127.0.0.1:5432/{database}"


def _may_create(url: str) -> bool:
    question = "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            row = connection.execute(question).fetchone()
    except psycopg.Error:
        return False
    return row is not None and bool(row[0])


def find_programs() -> Path | None:
    """The folder of the programs of PostgreSQL."""
    installed = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if installed:
        return max(installed, key=lambda folder: int(folder.parent.name) if folder.parent.name.isdigit() else 0)
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


class PrivateServer(PostgresServer):
    """A server of one's own, which may be stopped, started, and held still."""

    def __init__(self, binaries: Path, folder: Path, port: int, ids: dict[str, Any]) -> None:
        super().__init__(f"postgresql://postgres@127.0.0.1:{port}/postgres")
        options = ["-p", str(port), "-k", str(folder), "-c", "fsync=off", "-c", "listen_addresses=127.0.0.1"]
        options += ["-c", "full_page_writes=off"]
        # A third less processor time where nothing is synced; PostgreSQL before 15 knows no other.
        self._strategy = " STRATEGY FILE_COPY" if _major_of(binaries) >= 15 else ""
        self._command = [str(binaries / "postgres"), "-D", str(folder / "data"), *options]
        self.folder = folder
        self._options = {"cwd": folder, "env": _environment(folder), **ids}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it responds."""
        log_path = self.folder / "log"
        with log_path.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, **self._options)
        _await_ready(self.admin_url, log_path)

    def stop(self) -> None:
        """Close all connections and end."""
        self._admin.close()
        process, self._process = self._process, None
        if process is None:
            return
        self.thaw(process.pid)
        process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown; SIGTERM would wait for clients to leave
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def crash(self) -> None:
        """End without a word to clients and standbys (PostgreSQL's immediate shutdown)."""
        process, self._process = self._process, None
        assert process is not None
        self.thaw(process.pid)
        process.send_signal(signal.SIGQUIT)
        process.wait(10)

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as an administrator; the rows of the last one."""
        with psycopg.connect(self.admin_url, autocommit=True, connect_timeout=10) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def freeze(self) -> None:
        """Hold all its processes still: connections stay open, and nothing responds."""
        assert self._process is not None
        _send_signal(_family(self._process.pid), signal.SIGSTOP)

    def thaw(self, pid: int | None = None) -> None:
        """Let them go on."""
        if pid is None:
            assert self._process is not None
            pid = self._process.pid
        _send_signal(_family(pid), signal.SIGCONT)

    def run_tool(self, name: str, *words: str) -> None:
        """Run a client program of PostgreSQL, such as ``pg_dump``, on this server."""
        port = urlsplit(self.admin_url).port
        command = [
            str(Path(self._command[0]).with_name(name)),
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-U",
            "postgres",
            *words,
        ]
        subprocess.run(command, check=True, capture_output=True, **self._options)

    def guard(self, rules: str, certificate: bytes) -> None:
        """Put rules before those of ``pg_hba.conf``, and offer TLS with this certificate and its key."""
        data = self.folder / "data"
        rules_path, pem = data / "pg_hba.conf", data / "server.pem"
        rules_path.write_text(f"{rules}\n{rules_path.read_text()}")
        pem.write_bytes(certificate)
        pem.chmod(0o600)
        os.chown(pem, data.stat().st_uid, data.stat().st_gid)
        for name, value in {"ssl_cert_file": pem, "ssl_key_file": pem, "ssl": "on"}.items():
            self._admin.run(f"ALTER SYSTEM SET {name} = '{value}'")
        self._admin.run("SELECT pg_reload_conf()")

    def cut_connections(self) -> None:
        """End all connections of others, as an administrator would."""
        self._admin.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


def _major_of(binaries: Path) -> int:
    shown = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return int(re.findall(r"\d+", shown)[0])


def _family(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [tuple(map(int, line.split())) for line in found.stdout.splitlines()]
    return [pid, *(child for child, parent in pairs if parent == pid)]


def _send_signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # a child that ended in the meantime
            os.kill(pid, number)


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": str(folder)}


@contextmanager
def own_server() -> Iterator[PrivateServer | None]:
    """A server for a test that stops it, None where PostgreSQL is not installed on this machine."""
    binaries = find_programs()
    if binaries is None:
        yield None
        return
    with private_server(binaries) as server:
        yield server


@contextmanager
def standby_of(primary: PrivateServer) -> Iterator["Standby"]:
    """A server that follows another, asynchronously unless that one's settings say otherwise."""
    binaries = find_programs()
    assert binaries is not None
    with make_home() as (folder, ids):
        server = Standby(binaries, folder, free_port(), ids)
        try:
            words = ["-D", str(folder / "data"), "-R", "-X", "stream", "-c", "fast", "--no-sync"]
            primary.run_tool("pg_basebackup", *words)
            server.start()
            yield server
        finally:
            server.stop()


class Standby(PrivateServer):
    """A server that may take over."""

    def promote(self) -> None:
        """Become a primary."""
        self.execute("SELECT pg_promote()")

    def stop_following(self) -> None:
        """Take nothing more from the primary, as when the network between them fails."""
        with (self.folder / "data" / "postgresql.auto.conf").open("a") as file:
            file.write("primary_conninfo = ''\n")
        self.execute("SELECT pg_reload_conf()")
        self._wait_until("SELECT count(*) = 0 FROM pg_stat_wal_receiver")

    def catch_up(self, primary: PrivateServer) -> None:
        """Wait until everything that the primary wrote is here."""
        [(position,)] = primary.execute("SELECT pg_current_wal_lsn()::text")
        self._wait_until(f"SELECT pg_last_wal_replay_lsn() >= '{position}'")

    def _wait_until(self, question: str) -> None:
        deadline = time.monotonic() + 30
        while not self.execute(question)[0][0]:
            assert time.monotonic() < deadline, question
            time.sleep(0.05)


@contextmanager
def private_server(binaries: Path) -> Iterator[PrivateServer]:
    """A server in a temporary folder; as root it runs as another user, since PostgreSQL refuses root."""
    with make_home() as (folder, ids):
        init = [str(binaries / "initdb"), "-D", str(folder / "data"), "-U", "postgres"]
        init += ["-A", "trust", "-E", "UTF8", "--no-sync"]
        server = PrivateServer(binaries, folder, free_port(), ids)
        try:
            subprocess.run(init, check=True, capture_output=True, cwd=folder, env=_environment(folder), **ids)
            server.start()
            yield server
        finally:
            server.stop()


def _await_ready(url: str, log: Path) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if _may_create(url):
            return url
        time.sleep(0.1)
    raise RuntimeError(f"the private PostgreSQL server did not start:\n{log.read_text(errors='replace')[-2000:]}")
