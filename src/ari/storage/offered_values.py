"""Names for shell completion, read straight from SQLite: an instance takes longer to open than people wait."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final, Literal

Subject = Literal["keys", "consumers", "kinds", "scopes", "upstreams"]
MAX_VALUES = 100

_QUERIES: Final[dict[Subject, str]] = {
    "keys": "SELECT id AS value, name AS words FROM api_keys WHERE deleted_at_ms IS NULL ORDER BY id DESC",
    "consumers": "SELECT coalesce(external_id, id) AS value, name AS words FROM consumers ORDER BY 1",
    "kinds": "SELECT name AS value, description AS words FROM key_kinds ORDER BY 1",
    "scopes": "SELECT name AS value, description AS words FROM custom_scopes ORDER BY 1",
    "upstreams": "SELECT name AS value, title AS words FROM upstreams ORDER BY 1",
}


def read_values(file: Path, subject: Subject, beginning: str) -> list[tuple[str, str]]:
    """Values that begin like this, each with what it is, at most ``MAX_VALUES``. Raises ``sqlite3.Error``."""
    query = f"SELECT value, words FROM ({_QUERIES[subject]}) WHERE substr(value, 1, ?) = ? LIMIT ?"  # noqa: S608 - a query of this file
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=0.1)) as connection:
        return connection.execute(query, (len(beginning), beginning, MAX_VALUES)).fetchall()
