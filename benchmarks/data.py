"""Instances full of keys. ARI creates one key; the others are copies of its row with their own secrets."""

import contextlib
import hashlib
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ari.base.ids import new_id
from ari.keys import token
from ari.storage.engine import KEYS_FILE
from benchmarks import machine
from benchmarks.process import clean_environment

SAMPLE = 10_000
"""About how many different keys are used, spread over the whole table."""
_CHUNK = 1_000_000
_SMALL = 10_000
_REVOKED = 1_000


@dataclass(frozen=True)
class Data:
    """An instance's settings, with active and revoked keys."""

    settings: dict[str, str]
    keys: list[str]
    revoked: list[str]

    @property
    def data_dir(self) -> Path:
        return Path(self.settings["ARI_DATA_DIR"])


def ari(settings: dict[str, str], *words: str) -> str:
    """Run ``ari`` and return what it prints. Raises ``RuntimeError`` with its last line."""
    command = [sys.executable, "-m", "ari", *words]
    done = subprocess.run(command, env=clean_environment(settings), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ari {words[0]} failed: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout


def on_sqlite(folder: Path, count: int) -> Data:
    """A data directory with ``count`` active keys, created once in ``folder``; large ones come from the cache."""
    data_dir = folder / "data"
    if count <= _SMALL:
        return _filled(data_dir, count)
    kept = machine.cache_folder() / "data" / f"{count}-{_fingerprint(folder / 'schema')}"
    if not (kept / "keys.json").exists():
        print(f"Creating {count:,} keys (first run only) …", file=sys.stderr, flush=True)
        for old in kept.parent.glob(f"{count}-*"):
            shutil.rmtree(old, ignore_errors=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        made = _filled(kept, count)
        (kept / "keys.json").write_text(json.dumps([made.keys, made.revoked]))
    if not data_dir.exists():
        shutil.copytree(kept, data_dir)
    keys, revoked = json.loads((data_dir / "keys.json").read_text())
    return Data({"ARI_DATA_DIR": str(data_dir)}, keys, revoked)


def on_postgresql(folder: Path, url: str, count: int) -> Data:
    """An empty PostgreSQL database, filled with ``count`` active keys."""
    import psycopg  # noqa: PLC0415 - not everybody has PostgreSQL

    settings = {"ARI_DATA_DIR": str(folder / "data"), "ARI_DATABASE_URL": url}
    living, dead = _models(settings)
    with psycopg.connect(url) as connection:
        cursor = connection.cursor()

        def columns_and_row(secret: str) -> tuple[list[str], tuple[Any, ...]]:
            cursor.execute("SELECT * FROM api_keys WHERE digest = %s", (token.digest(secret.encode()),))
            assert cursor.description is not None
            row = cursor.fetchone()
            assert row is not None
            return [column.name for column in cursor.description], row

        keys, revoked = [living], [dead]
        for secret, remembered, wanted in ((living, keys, count - 1), (dead, revoked, _REVOKED - 1)):
            names, row = columns_and_row(secret)
            marks = ", ".join(["%s"] * len(names))
            insert = f"INSERT INTO api_keys ({', '.join(names)}) VALUES ({marks})"
            made = list(_copies(names, row, wanted))
            cursor.executemany(insert.encode(), [values for _, values in made])
            remembered.extend(text for text, _ in made)
        connection.commit()
        cursor.execute("ANALYZE api_keys")
    return Data(settings, keys, revoked)


def _filled(data_dir: Path, count: int) -> Data:
    settings = {"ARI_DATA_DIR": str(data_dir)}
    living, dead = _models(settings)
    connection = sqlite3.connect(data_dir / KEYS_FILE, isolation_level=None)
    connection.execute("PRAGMA journal_mode=OFF")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-1000000")
    keys, revoked = [living], [dead]
    share = min(1.0, SAMPLE / count)
    with _without_indexes(connection):
        keys += _insert_copies(connection, living, count - 1, share)
        revoked += _insert_copies(connection, dead, _REVOKED - 1, 1.0)
    connection.execute("ANALYZE")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    return Data(settings, keys, revoked)


def _insert_copies(connection: sqlite3.Connection, secret: str, wanted: int, kept: float) -> list[str]:
    """Copy the row of ``secret``; the secrets of a random ``kept`` share of the copies."""
    cursor = connection.execute("SELECT * FROM api_keys WHERE digest = ?", (token.digest(secret.encode()),))
    names, row = [column[0] for column in cursor.description], cursor.fetchone()
    insert = f"INSERT INTO api_keys ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
    remembered: list[str] = []
    for start in range(0, wanted, _CHUNK):
        made = list(_copies(names, row, min(_CHUNK, wanted - start)))
        made.sort(key=lambda one: one[1][names.index("digest")])
        connection.execute("BEGIN")
        connection.executemany(insert, (values for _, values in made))
        connection.execute("COMMIT")
        remembered += (text for text, _ in made if kept >= 1 or random.random() < kept)
    return remembered


class _without_indexes:  # noqa: N801 - reads as a statement
    """Drop the secondary indexes during the insert, because creating them afterwards is faster."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._indexes: list[tuple[str, str]] = []

    def __enter__(self) -> None:
        question = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'api_keys' AND sql NOT NULL"
        self._indexes = self._connection.execute(question).fetchall()
        for name, _ in self._indexes:
            self._connection.execute(f'DROP INDEX "{name}"')

    def __exit__(self, *_error: object) -> None:
        for _, statement in self._indexes:
            self._connection.execute(statement)


def _models(settings: dict[str, str]) -> tuple[str, str]:
    """Create the instance with an active and a revoked key; returns their secrets."""
    ari(settings, "migrate")
    living = json.loads(ari(settings, "keys", "create", "Bench", "--json"))["secret"]
    dead = json.loads(ari(settings, "keys", "create", "Bench, revoked", "--json"))
    ari(settings, "keys", "revoke", dead["key"]["id"], "--yes")
    return living, dead["secret"]


def _copies(names: Sequence[str], row: Sequence[Any], wanted: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
    now_ms = time.time_ns() // 1_000_000
    at = {name: names.index(name) for name in ("digest", "id", "hint", "name", "folded_name")}
    for number in range(wanted):
        secret = token.mint()
        values = list(row)
        values[at["digest"]] = token.digest(secret.encode())
        values[at["id"]] = new_id("key", now_ms)
        values[at["hint"]] = token.hint(secret)
        values[at["name"]] = values[at["folded_name"]] = f"bench {now_ms} {number}"
        yield secret, tuple(values)


def _fingerprint(folder: Path) -> str:
    """Changes with the schema, so that no data set of an older schema is used."""
    settings = {"ARI_DATA_DIR": str(folder)}
    ari(settings, "migrate")
    schemas = []
    for file in sorted(folder.glob("*.db")):
        with contextlib.closing(sqlite3.connect(file)) as connection:
            question = "SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name"
            schemas.append((file.name, connection.execute(question).fetchall()))
    return hashlib.sha256(repr((schemas, token.HASH_VERSION)).encode()).hexdigest()[:12]
