"""The user and password of PostgreSQL in a file: new ones are used for the next connection."""

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from structlog.testing import capture_logs

from ari.base.settings import load_settings
from ari.storage.engine import Database


@pytest.fixture
def other_user(postgres_url: str) -> Iterator[str]:
    """A second role on the server."""
    name = f"ari_test_{secrets.token_hex(4)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN")
        yield name
        connection.execute(f"DROP ROLE {name}")


def _users(database: Database) -> set[str]:
    """The users of the engine's and the hot path's next connections."""
    assert database.link is not None
    database.main.dispose()
    with database.main.connect() as connection:
        found = {str(connection.exec_driver_sql("SELECT current_user").scalar_one())}

    async def look_up() -> str:
        connection = await database.link.aconnect("ari verify", 5)  # type: ignore[union-attr]  # see above
        try:
            return connection.info.user
        finally:
            await connection.close()

    return found | {asyncio.run(look_up())}


def test_a_new_user_connects_without_a_restart(
    postgres_url: str, other_user: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both kinds of connections use it; an unusable file changes nothing."""
    path = data_dir.parent / "database-url"
    path.write_text(f"{postgres_url}\n")
    first = psycopg.conninfo.conninfo_to_dict(postgres_url)["user"]
    monkeypatch.setenv("ARI_DATABASE_URL_FILE", str(path))
    database = Database.open(load_settings(data_dir=data_dir))
    try:
        assert _users(database) == {first}
        path.write_text(f"{postgres_url}{'&' if '?' in postgres_url else '?'}user={other_user}\n")
        assert _users(database) == {other_user}
        path.write_text("postgresql://a b:hunter2@[")
        with capture_logs() as logs:
            assert _users(database) == {first}
        assert {one["log_level"] for one in logs} == {"warning"}
        assert "hunter2" not in str(logs)
    finally:
        database.close()
