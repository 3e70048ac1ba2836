"""Passwords and TLS: what starts also verifies, over the same kind of connection; refusals say why; files change."""

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from ari.base.errors import ConfigurationError
from ari.base.settings import load_settings
from ari.storage.checkup import try_verifying
from ari.storage.engine import Database
from ari.storage.lookups.keys import PostgresKeyLookup
from tests.support import postgres as servers
from tests.support.certificates import self_signed
from tests.support.instances import opened, settings_for
from tests.support.missing import skip_missing
from tests.support.processes import eventually

PASSWORD = "a@b:c/d#e?f%g h&i=é"
ENCODED = "a%40b%3Ac%2Fd%23e%3Ff%25g%20h%26i%3D%C3%A9"
RULES = """hostnossl all walled all reject
host all walled all scram-sha-256
host all tls_only all scram-sha-256"""


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server with TLS that asks the role ``walled`` for a password and for TLS, and the certificate that it shows."""
    with servers.own_server() as server:
        if server is None:
            skip_missing(servers.MISSING)
        pem = self_signed(tmp_path_factory.mktemp("tls") / "server.pem")
        url = server.create()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE walled LOGIN SUPERUSER PASSWORD '{PASSWORD}'".encode())
        server.guard(RULES, pem.read_bytes())
        eventually(lambda: _has_tls(url))
        yield url.rpartition("@")[2], pem


def _has_tls(url: str) -> bool:
    try:
        psycopg.connect(f"{url}?sslmode=require").close()
    except psycopg.Error:
        return False
    return True


def _refusal(data_dir: Path, url: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        Database.open(settings_for(data_dir, url))
    assert PASSWORD not in str(refused.value)
    assert ENCODED not in str(refused.value)
    return str(refused.value)


def test_a_password_of_odd_characters_over_verified_tls(data_dir: Path, tls_server: tuple[str, Path]) -> None:
    """The pages' connections and the verifications' alike, with the name checked."""
    place, pem = tls_server
    named = place.replace("127.0.0.1", "localhost")
    url = f"postgresql+psycopg://walled:{ENCODED}@{named}?sslmode=verify-full&sslrootcert={pem}"
    with opened(data_dir, url) as instance:
        try_verifying(instance.database)
        with instance.database.main.begin() as connection:
            assert connection.scalar(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))

        async def read_encryption() -> Any:
            lookup = await instance.database.open_lookup()
            assert isinstance(lookup, PostgresKeyLookup)
            rows = await lookup.keys.rows(
                "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND %s::text[] IS NOT NULL", ["x"]
            )
            await lookup.close()
            return rows

        assert asyncio.run(read_encryption()) == [(True,)]


def test_the_files_and_variables_of_libpq_count(
    data_dir: Path, tls_server: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password file, a service file, and PG… variables, on every connection."""
    place, _ = tls_server
    port, database = place.partition(":")[2].split("/")
    passwords, services = tmp_path / "pgpass", tmp_path / "services"
    escaped = PASSWORD.replace(":", "\\:")
    passwords.write_text(f"127.0.0.1:{port}:*:walled:{escaped}\n")
    passwords.chmod(0o600)
    services.write_text(f"[ari]\nhost=127.0.0.1\nport={port}\ndbname={database}\nuser=walled\nsslmode=require\n")
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    for url in ("postgresql:///?service=ari", f"postgresql://walled@{place}?sslmode=require"):
        with opened(data_dir, url) as instance, instance.database.main.connect() as connection:
            try_verifying(instance.database)
            assert connection.scalar(text("SELECT current_user")) == "walled"
    monkeypatch.delenv("PGPASSFILE")
    for name, value in {"PGHOST": "127.0.0.1", "PGPORT": port, "PGUSER": "walled", "PGPASSWORD": PASSWORD}.items():
        monkeypatch.setenv(name, value)
    with opened(data_dir, f"postgresql:///{database}") as instance:
        try_verifying(instance.database)


@pytest.mark.parametrize(
    ("login", "parameters", "words"),
    [
        ("walled:wrong", "sslmode=require", 'password authentication failed for user "walled". Correct'),
        ("walled", "sslmode=require", "no password supplied. Correct"),
        (f"walled:{ENCODED}", "sslmode=disable", 'pg_hba.conf rejects connection for host "127.0.0.1"'),
        (f"walled:{ENCODED}", "sslmode=verify-full", 'certificate file "'),
        (f"walled:{ENCODED}", "sslmode=verify-full&sslrootcert=system", "certificate verify failed"),
        (f"walled:{ENCODED}", "sslmode=verify-full&sslrootcert=PEM", "certificate"),
    ],
)
def test_what_is_refused_says_why(
    data_dir: Path, tls_server: tuple[str, Path], login: str, parameters: str, words: str
) -> None:
    """A wrong password, none, the wrong TLS mode, an unknown certificate, one for another name."""
    place, pem = tls_server
    said = _refusal(data_dir, f"postgresql://{login}@{place}?{parameters.replace('PEM', str(pem))}")
    assert words in said
    assert said.count(". ") >= 1, "what to do"


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
    link = database.link
    assert link is not None
    database.main.dispose()
    with database.main.connect() as connection:
        found = {str(connection.exec_driver_sql("SELECT current_user").scalar_one())}

    async def look_up() -> str:
        connection = await link.aconnect("ari verify", 5)
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
