"""Each usual mistake with PostgreSQL is named in its own words, without the password, before anything is created."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ari import keys
from ari.base.errors import ConfigurationError, Unavailable
from ari.cli.checks import examine
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import NewKey, token
from ari.storage import preflight
from ari.storage.checkup import prove_verification, try_verifying
from tests.support.instances import opened, settings_for
from tests.support.ports import free_port
from tests.support.postgres import is_empty

PASSWORD = "top/secret"
_ENCODED = "top%2Fsecret"


@pytest.fixture
def run(postgres: Any) -> Iterator[Callable[..., object]]:
    """Runs statements as the server's administrator."""
    with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
        yield lambda *statements: [connection.execute(statement.encode()) for statement in statements]


@pytest.fixture
def role(run: Callable[..., None], postgres_url: str) -> Iterator[str]:
    """An ordinary role, which owns nothing."""
    name = f"{postgres_url.rpartition('/')[2]}_role"
    run(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    yield name
    _check_works_on(postgres_url, f"DROP OWNED BY {name} CASCADE", f"DROP ROLE {name}")


def _check_works_on(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _as(role: str, url: str) -> str:
    return f"postgresql://{role}:{_ENCODED}@{url.rpartition('@')[2]}"


def _refusal(data_dir: Path, url: str) -> str:
    """How the start is refused; the doctor says the same and fails."""
    settings = settings_for(data_dir, url)
    with pytest.raises(ConfigurationError) as refused:
        Instance.open(settings, migrate=True)
    said = str(refused.value)
    assert PASSWORD not in said
    assert _ENCODED not in said
    assert "\n" not in said
    return said


def _doctor(data_dir: Path, url: str) -> str:
    return " ".join(one.message for one in examine(settings_for(data_dir, url), audit=False) if one.state == "wrong")


def test_wrong_names_and_places(data_dir: Path, postgres_url: str, role: str) -> None:
    """Role, database, host, port and TLS mode; the doctor says the same."""
    place = postgres_url.rpartition("@")[2].rpartition("/")[0]
    right = _as(role, postgres_url)
    mistakes = {
        f"postgresql://nobody_here:{_ENCODED}@{place}/x": 'role "nobody_here" does not exist. Correct the user name',
        f"postgresql://{role}:{_ENCODED}@{place}/nothing": 'database "nothing" does not exist. Correct the database',
        f"postgresql://{role}:{_ENCODED}@127.0.0.1:{free_port()}/x": "Connection refused. Check that PostgreSQL runs",
        f"postgresql://{role}:{_ENCODED}@no-such-host.invalid/x": "Correct the host",
        f"postgresql://{role}:{_ENCODED}@/x?host=/nowhere": "No such file or directory. Check that",
        f"{right}?sslmode=require": "server does not support SSL, but SSL was required. Turn on ssl",
        f"{right}?channel_binding=odd": "Correct this parameter",
        f"{right}?options=-codd=1": 'unrecognized configuration parameter "odd"',
        f"{right}?options=-csearch_path%3Dnowhere": "(nowhere) exists",
        f"{right}?search_path=nowhere,public": "The first schema of search_path (nowhere,public) doesn't exist",
    }
    said = {url: _refusal(data_dir, url) for url in mistakes}
    assert [url for url, words in mistakes.items() if words not in said[url]] == [], said
    assert all(words in _doctor(data_dir, url) for url, words in list(mistakes.items())[:2])
    assert is_empty(postgres_url)


def test_a_role_that_may_not_create(data_dir: Path, postgres_url: str, role: str) -> None:
    """Since PostgreSQL 15 nobody else may in the schema public."""
    _check_works_on(postgres_url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    said = _refusal(data_dir, _as(role, postgres_url))
    assert "isn't allowed to create tables in schema public" in said
    assert f"GRANT CREATE ON SCHEMA public TO {role}" in said
    assert is_empty(postgres_url)
    _check_works_on(postgres_url, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    assert '("$user", public) exists and can be used' in _refusal(data_dir, _as(role, postgres_url))
    _check_works_on(postgres_url, f"GRANT USAGE, CREATE ON SCHEMA public TO {role}")
    with opened(data_dir, _as(role, postgres_url)):
        pass


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "EUC_JP"])
def test_another_encoding(
    data_dir: Path, postgres: Any, run: Callable[..., None], postgres_url: str, encoding: str
) -> None:
    """Some text could not be kept, and would be noticed late."""
    name = f"{postgres_url.rpartition('/')[2]}_other"
    run(f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    url = postgres.url_of(name)
    try:
        said = _refusal(data_dir, url)
        assert is_empty(url)
    finally:
        run(f"DROP DATABASE {name} WITH (FORCE)")
    assert f"has encoding {encoding}, but ARI needs UTF8" in said


def test_a_server_that_only_reads(data_dir: Path, postgres_url: str) -> None:
    """As a standby, or where somebody set it so."""
    name = postgres_url.rpartition("/")[2]
    _check_works_on(postgres_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert "session is read-only. ARI needs the primary" in _refusal(data_dir, postgres_url)


def test_tables_of_another_program(data_dir: Path, postgres_url: str) -> None:
    """They stay as they are, and nothing is added to them."""
    _check_works_on(postgres_url, "CREATE TABLE events (x int)")
    assert 'relation "events" already exists. Another program' in _refusal(data_dir, postgres_url)
    with psycopg.connect(postgres_url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).fetchall()
    assert tables == [("events",)]


def test_too_many_connections(data_dir: Path, postgres_url: str, role: str) -> None:
    """The server's limit, the database's, or the role's."""
    _check_works_on(postgres_url, f"ALTER ROLE {role} CONNECTION LIMIT 0")
    assert f'too many connections for role "{role}". Raise' in _refusal(data_dir, _as(role, postgres_url))


def test_an_old_server(data_dir: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused before anything is created."""
    monkeypatch.setattr(preflight, "OLDEST", 99)
    assert "ARI needs PostgreSQL 99 or newer. This server is PostgreSQL 1" in _refusal(data_dir, postgres_url)
    assert is_empty(postgres_url)


def test_another_product(data_dir: Path, postgres_url: str) -> None:
    """It speaks PostgreSQL's protocol, and is none."""
    _check_works_on(
        postgres_url,
        "CREATE SCHEMA odd",
        "CREATE FUNCTION odd.version() RETURNS text LANGUAGE sql AS $$ SELECT 'CockroachDB CCL v23.1' $$",
        f"ALTER DATABASE {postgres_url.rpartition('/')[2]} SET search_path = odd, pg_catalog",
    )
    assert "This server is CockroachDB CCL" in _refusal(data_dir, postgres_url)


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        ("SELECT ON api_keys", "table api_keys"),
        ("SELECT ON key_secrets", "table key_secrets"),
        ("SELECT ON usage_totals", "table usage_totals"),
        ("INSERT ON usage_staging", "table usage_staging"),
        ("ALL ON SEQUENCE usage_staging_seq_seq", "sequence usage_staging_seq_seq"),
    ],
)
def test_a_verification_that_would_fail_is_found_before_it_is_asked(
    data_dir: Path, postgres_url: str, role: str, lost: str, words: str
) -> None:
    """A role that may do all but one thing: no start, and a doctor who says why."""
    with opened(data_dir, postgres_url):
        pass
    every = "ON ALL TABLES IN SCHEMA public", "ON ALL SEQUENCES IN SCHEMA public"
    _check_works_on(postgres_url, *(f"GRANT ALL {what} TO {role}" for what in every), f"REVOKE {lost} FROM {role}")
    with opened(data_dir, _as(role, postgres_url)) as instance:
        with pytest.raises(ConfigurationError, match=f"permission denied for {words}"):
            prove_verification(instance.database)
        with pytest.raises(Unavailable) as refused:
            try_verifying(instance.database)
        assert words not in str(refused.value), "callers get no details"
    assert f"permission denied for {words}" in _doctor(data_dir, _as(role, postgres_url))


@pytest.mark.parametrize("how", ["options=-csearch_path%3Down", "search_path=own", "options=-csearch_path=own,public"])
def test_verifications_use_the_schema_that_migrations_used(data_dir: Path, postgres_url: str, how: str) -> None:
    """One parser: whatever starts also verifies."""
    _check_works_on(postgres_url, "CREATE SCHEMA own")
    with opened(data_dir, f"{postgres_url}?{how}") as instance:
        made = Deps(instance).do_sync(keys.create, NewKey("n"))
        prove_verification(instance.database)

        async def is_found() -> bool:
            lookup = await instance.database.open_lookup()
            digest = token.parse(made.secret.encode())
            assert digest is not None
            key = await lookup.find(digest)
            await lookup.close()
            return key is not None

        assert asyncio.run(is_found())
    assert is_empty(postgres_url)
