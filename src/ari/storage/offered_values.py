"""Names for shell completion, read straight from SQLite: an instance takes longer to open than people wait."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final, Literal

Subject = Literal["keys", "consumers", "kinds", "scopes", "upstreams"]
NAMED: Final = ("keys", "consumers")
"""Subjects whose words are names, by which commands find them, too."""
MAX_VALUES = 100

_QUERIES: Final[dict[Subject, str]] = {
    "keys": "SELECT id AS value, name AS words FROM api_keys WHERE deleted_at_ms IS NULL ORDER BY id DESC",
    "consumers": "SELECT coalesce(external_id, id) AS value, name AS words FROM consumers ORDER BY 1",
    "kinds": "SELECT name AS value, description AS words FROM key_kinds ORDER BY 1",
    "scopes": "SELECT name AS value, description AS words FROM custom_scopes ORDER BY 1",
    "upstreams": "SELECT name AS value, title AS words FROM upstreams ORDER BY 1",
}


def read_values(file: Path, subject: Subject, beginning: str) -> list[tuple[str, str]]:
    """Values that begin like this, or whose name does, each with what it is, at most ``MAX_VALUES``.

    Raises ``sqlite3.Error``.
    """
    typed = "substr(value, 1, :length) = :text" + (" OR substr(words, 1, :length) = :text" if subject in NAMED else "")
    query = f"SELECT value, words FROM ({_QUERIES[subject]}) WHERE {typed} LIMIT :most"  # noqa: S608 - texts of this file
    values = {"length": len(beginning), "text": beginning, "most": MAX_VALUES}
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=0.1)) as connection:
        return connection.execute(query, values).fetchall()
