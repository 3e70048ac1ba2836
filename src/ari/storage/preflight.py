"""What ARI asks of a PostgreSQL server before it creates or changes anything there."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from ari.base.errors import ConfigurationError
from ari.storage.postgres_reasons import parse_message
from ari.storage.postgres_sessions import Sessions, is_straight

if TYPE_CHECKING:
    import psycopg

OLDEST = 13
"""The oldest major version that ARI runs on; what it is tested with is in docs/guides/postgresql.md."""
_FACTS = """SELECT version(), getdatabaseencoding(), pg_is_in_recovery(),
    current_setting('transaction_read_only') = 'on', current_setting('search_path'), current_schema(),
    current_database(), pg_backend_pid()"""
_SETTING = re.compile(r"(?:-c\s*|--)([A-Za-z_][\w.-]*)=((?:\\.|\S)*)")


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """The server at ``ARI_DATABASE_URL``."""

    version: str
    schema: str
    pooled: bool


def examine(sessions: Sessions) -> ServerInfo:
    """Look at the server. Raises ``ConfigurationError`` where ARI cannot use it, with the server's own words."""
    import psycopg  # noqa: PLC0415 - the extra "postgres"

    try:
        with sessions.open() as connection:
            pooled = _is_pooled(connection)
            facts: Any = connection.execute(_FACTS).fetchone()
            _refuse_facts(*facts[:-1])
            if pooled:
                _refuse_lost_options(sessions, connection)
                connection.commit()  # or the next client could not be given the same server process
                if sessions.pooler == "session":
                    _refuse_shared(sessions, facts[-1])
            return ServerInfo(_version(facts[0]), facts[5], pooled)
    except psycopg.Error as error:
        primary = error.diag.message_primary
        said = parse_message(sessions.url.without_secrets(primary or str(error)))
        raise ConfigurationError(f"Can't use PostgreSQL: {said}") from None


def refuse_without_create(connection: Connection) -> None:
    """Raise ``ConfigurationError`` where this role may not create tables; SQLite has no roles."""
    if connection.dialect.name != "postgresql":
        return
    asked = "SELECT has_schema_privilege(current_schema(), 'CREATE'), current_schema(), current_user"
    may, schema, role = connection.execute(text(asked)).one()
    if not may:
        raise ConfigurationError(
            f"Can't use PostgreSQL: {role} isn't allowed to create tables in schema {schema}. Run: "
            f"GRANT CREATE ON SCHEMA {schema} TO {role}; or use a separate database for this role."
        )


def _is_pooled(connection: "psycopg.Connection[Any]") -> bool:
    connection.autocommit = True  # a pooler in statement mode accepts this, and refuses the transaction that follows
    straight = is_straight(connection)
    connection.autocommit = False
    return not straight


def _version(banner: str) -> str:
    return " ".join(banner.split()[:2])


def _refuse_facts(
    banner: str, encoding: str, standby: bool, read_only: bool, search_path: str, schema: str | None, database: str
) -> None:
    found = re.match(r"PostgreSQL ([0-9]+)", banner)
    if found is None or int(found[1]) < OLDEST:
        raise ConfigurationError(f"ARI needs PostgreSQL {OLDEST} or newer. This server is {_version(banner)}.")
    if encoding != "UTF8":
        raise ConfigurationError(
            f"The database {database} has encoding {encoding}, but ARI needs UTF8. Nothing was created. Create another "
            "database: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0."
        )
    if standby or read_only:
        kind = "a standby" if standby else "read-only"
        message = parse_message(f"this server is {kind}: in recovery or read-only")
        raise ConfigurationError(f"Can't use PostgreSQL: {message}")
    first = search_path.partition(",")[0].strip().strip('"').replace('""', '"')
    if schema is None or (first not in ("", "$user") and first != schema):
        missing = (
            f"The first schema of search_path ({search_path})"
            if schema
            else f"No schema of search_path ({search_path})"
        )
        wrong = "doesn't exist, or this role can't use it" if schema else "exists and can be used by this role"
        raise ConfigurationError(
            f"{missing} {wrong}. Create it (CREATE SCHEMA …), grant USAGE on it, or correct search_path."
        )


def _refuse_lost_options(sessions: Sessions, connection: "psycopg.Connection[Any]") -> None:
    """A pooler may drop ``options``; then the operator's settings would silently not apply."""
    for name, value in _SETTING.findall(sessions.url.options):
        wanted = re.sub(r"\\(.)", r"\1", value)
        row = connection.execute("SELECT current_setting(%s, true)", (name,)).fetchone()
        if row is None or _plain(row[0]) != _plain(wanted):
            raise ConfigurationError(
                f"The pooler in front of PostgreSQL does not pass on {name} from ARI_DATABASE_URL: remove it there, "
                f"and set it for the role: ALTER ROLE … SET {name} = …"
            )


def _plain(value: str | None) -> str:
    return re.sub(r"[\s\"']", "", value or "").lower()


def _refuse_shared(sessions: Sessions, server_pid: int) -> None:
    """Whether another client is given the server process that is this one's, which in session mode cannot be."""
    with sessions.open() as other:
        row = other.execute("SELECT pg_backend_pid()").fetchone()
    if row is not None and row[0] == server_pid:
        raise ConfigurationError(
            "ARI_DATABASE_POOLER says session, but the pooler gives one server connection to several clients; say "
            "transaction, or set the pooler's pool_mode to session."
        )
