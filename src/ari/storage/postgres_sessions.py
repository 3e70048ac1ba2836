"""How a connection to PostgreSQL begins, the same for all of them, straight or through a pooler.

A pooler in transaction mode gives every transaction another server connection. Then nothing may outlive a transaction:
no prepared statement, no ``SET``, no lock of a session. A pooler is detected by the process id that a client is given
for its cancel requests: a pooler makes one up, so it is not that of the server process. Decision 35.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

if TYPE_CHECKING:
    import psycopg

    from ari.storage.database_url import DatabaseUrl

Pooler = Literal["auto", "session", "transaction"]
BUSY_SECONDS = 5
LIMITS = {"lock_timeout": "5s", "statement_timeout": "30s"}
OWN_CONNECTIONS = 7
"""Of a process, each outside the pools: three of key lookups, three of the gateway, one of the heartbeat."""
LOOKUP_PLANS = {
    "plan_cache_mode": "force_generic_plan",
    **dict.fromkeys(("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"), "off"),
}
"""For connections that only look up rows by index. A prepared statement is planned once, not at every execution, which
takes longer than the lookup (decision 66), and its plan remains right while a table grows."""
LOCAL_SETTINGS = "ari_local_settings"
"""In the ``info`` of a pooled connection: the statement that begins each of its transactions. Absent: it needs none."""
_WHO_SERVES = "SELECT pg_backend_pid()"


@dataclass(frozen=True, slots=True)
class Sessions:
    """How each connection to one database begins; ``pooler`` is what the operator says is in front of it.

    ``failover.link.Link`` opens them, server by server.
    """

    url: "DatabaseUrl"
    pooler: Pooler = "auto"
    few: bool = False
    """Whether to keep few connections open, since a pooler has few to give."""
    connections: int = 31
    """The most that one process opens; two engines share all but those of ``OWN_CONNECTIONS``."""

    def engine(self, synchronous_commit: str = "on") -> Engine:
        """An engine through psycopg 3 whose connections begin as they must."""
        settings = {"synchronous_commit": synchronous_commit, **LIMITS}
        idle, most = (1, 4) if self.few or self.pooler != "auto" else (4, (self.connections - OWN_CONNECTIONS) // 2)
        engine = create_engine(
            "postgresql+psycopg://",
            pool_size=idle,
            max_overflow=most - idle,
            pool_timeout=BUSY_SECONDS,
            hide_parameters=True,
            isolation_level="READ COMMITTED",  # whatever the server's default: a writer sees what it waited for
            connect_args=self.url.parameters("ari"),
        )

        @event.listens_for(engine, "connect")
        def _begin_session(connection: "psycopg.Connection[Any]", record: ConnectionPoolEntry) -> None:
            connection.autocommit = True
            if self.pooler == "transaction" or (self.pooler == "auto" and not is_straight(connection)):
                connection.prepare_threshold = None
                record.info[LOCAL_SETTINGS] = _set(settings, "SET LOCAL")
            else:
                connection.execute(_set(settings, "SET").encode())
            connection.autocommit = False

        @event.listens_for(engine, "begin")
        def _begin_transaction(connection: Connection) -> None:
            local = connection.info.get(LOCAL_SETTINGS)
            if local is not None:  # SET takes no snapshot, which SELECT set_config() would
                connection.exec_driver_sql(local, execution_options={"no_parameters": True})

        return engine

    def open(self) -> "psycopg.Connection[Any]":
        """One connection without ARI's settings, to examine the server."""
        import psycopg  # noqa: PLC0415 - the extra "postgres"

        return psycopg.connect(**self.url.parameters("ari"))

    async def abegin(self, connection: "psycopg.AsyncConnection[Any]") -> None:
        """Prepare no statements through a pooler; the connection commits each statement."""
        straight = self.pooler == "session"
        if self.pooler == "auto":
            row = await (await connection.execute(_WHO_SERVES)).fetchone()
            straight = row is not None and row[0] == connection.info.backend_pid
        if straight:
            await connection.execute(_set(LOOKUP_PLANS, "SET").encode())
        else:
            connection.prepare_threshold = None


def is_pooled(connection: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> bool:
    """Whether each transaction of a connection that has begun may get another server connection."""
    return connection.prepare_threshold is None


def is_straight(connection: "psycopg.Connection[Any]") -> bool:
    """Whether the server process itself is at the other end."""
    row = connection.execute(_WHO_SERVES).fetchone()
    return row is not None and row[0] == connection.info.backend_pid


def _set(settings: Mapping[str, str], how: str) -> str:
    return "; ".join(f"{how} {name} = '{value}'" for name, value in settings.items())


def set_limits(connection: Connection, limits: Mapping[str, str] = LIMITS) -> None:
    """Let these limits hold for the rest of the transaction."""
    connection.exec_driver_sql(_set(limits, "SET LOCAL"), execution_options={"no_parameters": True})
