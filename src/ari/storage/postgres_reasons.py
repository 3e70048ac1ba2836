"""Why PostgreSQL, or a pooler before it, cannot be used: its own words, and what to do. For operators alone.

Only words about the connection, the schema and the server are passed on; others may quote what a row holds.
"""

import logging
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ari.base.secrets_in_text import mask_passwords
from ari.base.throttle import Throttle

_LONGEST = 600
_QUIET_SECONDS = 60.0
_MAX_REASONS = 100
_SPOKEN_CLASSES = ("08", "25", "26", "28", "53", "55", "57", "58", "F0", "XX")
_SPOKEN_STATES = ("3D000", "3F000", "40P01", "42501", "42P01", "42P05", "42P07", "42710")
"""SQLSTATEs (PostgreSQL, appendix A) whose message names no value of a row."""
_FINAL = ("3F000", "42501", "42P01", "26000", "42P05", "42P07", "42710", "25006")
"""Of these, the ones that drivers do not count as operational."""
_BUSY = "55P03"
"""A lock was not available in the time that a statement waits for it: the database can be used."""
_CANCELED = "57014"
_URL = "ARI_DATABASE_URL"
_A_TRY, _FAILED = "- host:", "connection failed: "
"""How psycopg begins a line about one of several addresses, and what the server's words follow."""
_REMEDIES: dict[str, str] = {
    r"unsupported startup parameter": "A pooler does not pass it on: set it by ALTER ROLE … SET and remove it from "
    f"{_URL}, or name it in the pooler's ignore_startup_parameters.",
    r"statement pooling": "ARI needs transactions: set the pooler's pool_mode to transaction or session.",
    r"prepared statement": "A pooler in transaction mode is in between: set ARI_DATABASE_POOLER=transaction.",
    r"query_wait_timeout|no more connections allowed": "Raise the pooler's default_pool_size and max_client_conn.",
    r"password authentication|no password supplied|authentication failed|SASL|SCRAM|no such user": "Correct the user "
    f"name and the password in {_URL}.",
    r'role "[^"]*" does not exist': f"Correct the user name in {_URL}, or create the role.",
    r'database "[^"]*" does not exist|no such database': f"Correct the database in {_URL}, or create it: CREATE "
    "DATABASE … OWNER … ENCODING 'UTF8' TEMPLATE template0.",
    r"not permitted to log in": "Allow it: ALTER ROLE … LOGIN.",
    r"no pg_hba.conf entry|rejects connection": "Allow this client in the server's pg_hba.conf, or use the encryption "
    "(sslmode) that it asks for.",
    r"permission denied for database": "Grant it: GRANT CONNECT ON DATABASE … TO …",
    r"does not support SSL": "Turn on ssl on the server; or set sslmode=disable if the network is yours alone.",
    r"certificate": "Check sslmode, sslrootcert, sslcert and sslkey, and that the certificate names this host.",
    r"\bSSL\b|\bTLS\b": f"Check sslmode and the other ssl parameters in {_URL}.",
    r"read-only|hot standby|in recovery": f"ARI needs the primary, which takes changes: give its address in {_URL}, or "
    "those of all servers (host1,host2).",
    r"too many (?:clients|connections)|connection slots": "Raise max_connections or the role's CONNECTION LIMIT, lower "
    "--workers, or put a pooler in front.",
    r"starting up|shutting down|not yet accepting|recovery mode|administrator command": "Wait until it is up.",
    r"translate host name|resolve host|Name or service|name resolution|No address": f"Correct the host in {_URL}.",
    r"Connection refused|No such file|No route|unreachable|server closed": "Check that PostgreSQL runs there, and the "
    f"host and port in {_URL}.",
    r"timeout expired|timed out": f"Check host and port in {_URL}, and firewalls in between.",
    r"permission denied for schema (\S+?)\.?$": r"Grant it: GRANT USAGE, CREATE ON SCHEMA \1 TO …",
    r"permission denied": f"Let the role of {_URL} own ARI's tables, or grant it what is missing.",
    r"must be owner": f"Migrate with the role that owns the tables: name it in {_URL}.",
    r"conversion between|encoding": "ARI needs a database with ENCODING 'UTF8'.",
    r'(?:relation|schema) "[^"]*" does not exist': "Check search_path, and run: ari migrate",
    r'(?:relation|type|function|trigger) "[^"]*".* already exists': "Another program's tables are in this schema: give "
    f"ARI a database, or a schema (search_path), of its own in {_URL}.",
    r"No space left|disk full|could not extend": "Free space on the server's disk.",
    r"invalid .*value|invalid connection option": f"Correct this parameter in {_URL}.",
}
"""What to do, by what the words match first."""
_logger = logging.getLogger("ari.storage")
_mutex = threading.Lock()
_REASONS = Throttle(_QUIET_SECONDS, time.monotonic, _MAX_REASONS)


@dataclass(frozen=True, slots=True)
class ServerMessage:
    """The server's words and what to do about them."""

    words: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.words} {self.remedy}".strip()


def is_final(error: Any) -> bool:
    """Whether a statement failed because ARI may not or cannot use the database, although its driver says otherwise."""
    return _state_of(error) in _FINAL


def is_busy(error: Any) -> bool:
    """Whether a statement only failed because another transaction held a lock."""
    return _state_of(error) == _BUSY


def is_canceled(error: Any) -> bool:
    """Whether the server canceled a statement, as it does with one that takes too long."""
    return _state_of(error) == _CANCELED


def reason_of(error: Any) -> str | None:
    """The reason that the server or the connection gave, and what to do; ``None`` if nothing may be passed on.

    ``error`` is psycopg's, or SQLAlchemy's wrapper of it.
    """
    error = getattr(error, "orig", None) or error
    state = _state_of(error)
    if type(error).__module__.partition(".")[0] != "psycopg":
        return None
    if state is not None and state[:2] not in _SPOKEN_CLASSES and state not in _SPOKEN_STATES:
        return None
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    return str(parse_message(primary or str(error)))


def parse_message(text: str) -> ServerMessage:
    """A message of libpq, PostgreSQL or a pooler as one line, with its remedy."""
    words = mask_passwords(_one_line(text))[:_LONGEST]
    for pattern, remedy in _REMEDIES.items():
        found = re.search(pattern, words, re.IGNORECASE)
        if found is not None:
            return ServerMessage(words, found.expand(remedy))
    return ServerMessage(words, "")


def all_of(failures: Sequence[Exception]) -> Exception:
    """One error with the words of each server that was tried, as psycopg words them for several addresses."""
    import psycopg  # noqa: PLC0415 - the extra "postgres"

    lines = []
    for failure in failures:
        words = [line for line in str(failure).splitlines() if line.strip()]
        tries = [line for line in words if line.startswith(_A_TRY)]
        lines += tries or [f"{_A_TRY} {_FAILED}{line.removeprefix(_FAILED)}" for line in words[:1]]
    return psycopg.OperationalError("\n".join(lines))


def log_reason(reason: str | None, throttle: Throttle = _REASONS) -> None:
    """Log why the database cannot be used, each reason once a minute at most; without a log, nothing."""
    if reason is None or not logging.getLogger().handlers:
        return
    with _mutex:
        if not throttle.allows(reason):
            return
    _logger.error("the database cannot be used: %s", reason)


def _state_of(error: Any) -> str | None:
    error = getattr(error, "orig", None) or error
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else None


def _one_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    tries = [line.partition(_FAILED)[2] for line in lines if line.startswith(_A_TRY)]
    if not tries:
        tries = [lines[0].removeprefix(_FAILED)] if lines else ["no reason given"]
    words = "; ".join(dict.fromkeys(filter(None, tries)))
    words = re.sub(r"\b(?:FATAL|ERROR|PANIC): +", "", words)
    return words if words.endswith((".", "?", "!")) else f"{words}."
