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


_ROWS = {
    "api_keys": "SELECT k.* FROM api_keys k JOIN key_secrets s ON s.key_id = k.id WHERE s.digest = ?",
    "key_secrets": "SELECT * FROM key_secrets WHERE digest = ?",
}
"""The rows of a secret, by table."""


def on_postgresql(folder: Path, url: str, count: int) -> Data:
    """An empty PostgreSQL database, filled with ``count`` active keys."""
    import psycopg  # noqa: PLC0415 - not everybody has PostgreSQL

    settings = {"ARI_DATA_DIR": str(folder / "data"), "ARI_DATABASE_URL": url}
    living, dead = _models(settings)
    with psycopg.connect(url) as connection:
        cursor = connection.cursor()

        def read(question: str, digest: bytes) -> tuple[list[str], tuple[Any, ...]]:
            cursor.execute(question.replace("?", "%s").encode(), (digest,))
            assert cursor.description is not None
            row = cursor.fetchone()
            assert row is not None
            return [column.name for column in cursor.description], row

        keys, revoked = [living], [dead]
        for secret, remembered, wanted in ((living, keys, count - 1), (dead, revoked, _REVOKED - 1)):
            models = [
                _Model(table, *read(question, token.digest(secret.encode()))) for table, question in _ROWS.items()
            ]
            made = list(_copies(models, wanted))
            for number, model in enumerate(models):
                cursor.executemany(model.insert("%s").encode(), [rows[number] for _, rows in made])
            remembered.extend(text for text, _ in made)
        connection.commit()
        cursor.execute("ANALYZE api_keys, key_secrets")
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
    models = []
    for table, question in _ROWS.items():
        cursor = connection.execute(question, (token.digest(secret.encode()),))
        models.append(_Model(table, [column[0] for column in cursor.description], cursor.fetchone()))
    remembered: list[str] = []
    for start in range(0, wanted, _CHUNK):
        made = list(_copies(models, min(_CHUNK, wanted - start)))
        connection.execute("BEGIN")
        for number, model in enumerate(models):
            connection.executemany(model.insert("?"), sorted(rows[number] for _, rows in made))
        connection.execute("COMMIT")
        remembered += (text for text, _ in made if kept >= 1 or random.random() < kept)
    return remembered


class _without_indexes:  # noqa: N801 - reads as a statement
    """Drop the secondary indexes during the insert, because creating them afterwards is faster."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._indexes: list[tuple[str, str]] = []

    def __enter__(self) -> None:
        question = (
            "SELECT name, sql FROM sqlite_master WHERE tbl_name IN ('api_keys', 'key_secrets') AND type = 'index'"
        )
        self._indexes = self._connection.execute(f"{question} AND sql NOT NULL").fetchall()
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


@dataclass(frozen=True)
class _Model:
    """A row to copy, with the names of its columns."""

    table: str
    names: Sequence[str]
    row: Sequence[Any]

    def insert(self, mark: str) -> str:
        return f"INSERT INTO {self.table} ({', '.join(self.names)}) VALUES ({', '.join([mark] * len(self.names))})"

    def copy(self, changed: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(changed.get(name, value) for name, value in zip(self.names, self.row, strict=True))


def _copies(models: Sequence[_Model], wanted: int) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """New secrets, each with its copies of the rows."""
    now_ms = time.time_ns() // 1_000_000
    for number in range(wanted):
        secret, key_id, name = token.mint(), new_id("key", now_ms), f"bench {now_ms} {number}"
        changed = {"hint": token.hint(secret), "digest": token.digest(secret.encode())}
        changed |= {"id": key_id, "key_id": key_id, "name": name, "folded_name": name}
        yield secret, [model.copy(changed) for model in models]


def _fingerprint(folder: Path) -> str:
    """Changes with the schema, so that no data set of an older schema is used."""
    settings = {"ARI_DATA_DIR": str(folder)}
    ari(settings, "migrate")
    schemas = []
    for file in sorted(folder.glob("*.db")):
        with contextlib.closing(sqlite3.connect(file)) as connection:
            question = "SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name"
            schemas.append((file.name, connection.execute(question).fetchall()))
    return hashlib.sha256(repr(schemas).encode()).hexdigest()[:12]
