"""A PostgreSQL database for the run."""

import getpass
import itertools
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

MISSING = "no PostgreSQL server here that lets us make a database; name one in ARI_BENCH_DATABASE_URL"


@contextmanager
def database() -> Iterator[tuple[str, str] | None]:
    """A new database's address and its server's version and durability in words; ``None`` without a server."""
    try:
        import psycopg  # noqa: PLC0415 - the extra "postgres"
    except ImportError:
        yield None
        return
    server = next((url for url in _candidates() if _may_create(url)), None)
    if server is None:
        yield None
        return
    name = f"ari_bench_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        values = [
            connection.execute(f"SHOW {setting}".encode()).fetchone()
            for setting in ("server_version", "fsync", "synchronous_commit")
        ]
    version, fsync, commit = (row[0] if row else "?" for row in values)
    try:
        yield (
            urlunsplit(urlsplit(server)._replace(path=f"/{name}")),
            f"PostgreSQL {version.split()[0]} (fsync {fsync}, synchronous_commit {commit})",
        )
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def _candidates() -> Iterator[str]:
    named = os.environ.get("ARI_BENCH_DATABASE_URL")
    if named:
        yield named
        return
    for user, name in itertools.product(dict.fromkeys((getpass.getuser(), "postgres")), ("postgres", "test")):
        yield f"postgresql://{user}@127.0.0.1:5432/{name}"


def _may_create(url: str) -> bool:
    import psycopg  # noqa: PLC0415 - as above

    question = "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            row = connection.execute(question).fetchone()
    except psycopg.Error:
        return False
    return row is not None and bool(row[0])


def used_seconds() -> float:
    """Processor time of all PostgreSQL processes on this machine, with those that ended; 0 without any."""
    total = 0.0
    for folder in Path("/proc").iterdir():
        try:
            if (folder / "comm").read_text().strip() != "postgres":
                continue
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return total
