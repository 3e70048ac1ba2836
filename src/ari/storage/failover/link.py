"""Opens every connection to PostgreSQL: to the primary among the URL's servers, and only if it is trusted."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from ari.base.errors import Unavailable
from ari.storage.failover import facts
from ari.storage.failover.facts import ServerFacts
from ari.storage.failover.history import History, NotTrusted, WentBack
from ari.storage.failover.record import Record
from ari.storage.failover.servers import Server, Servers, Sockets
from ari.storage.postgres_reasons import all_of
from ari.storage.postgres_sessions import Sessions

if TYPE_CHECKING:
    import psycopg

_NO_TABLES_OF_OURS = ("42P01", "42703", "42804")
"""SQLSTATEs for tables that are not there, or are another program's."""


def _ignore() -> None:
    pass


class Link:
    """Shared by the engines, the hot path and the heartbeat of one process.

    ``credentials`` returns the present user and password, which a file may replace while ARI runs.
    """

    def __init__(
        self, sessions: Sessions, history: History, credentials: Callable[[], Mapping[str, Any]] = dict
    ) -> None:
        self.sessions = sessions
        self._credentials = credentials
        self.history = history
        self.servers = Servers()
        self.sockets = Sockets()
        self._statement = facts.POSTGRESQL
        self.on_connected: Callable[[], None] = _ignore
        """Called after each ``aconnect``; engines report their own connections."""

    def engine(self, synchronous_commit: str = "on") -> Engine:
        """An engine whose connections are opened here, and examined again whenever they leave the pool.

        That examination takes the place of SQLAlchemy's ping: one round trip, which also works where a pooler puts
        another server behind an open connection.
        """
        engine = self.sessions.engine(synchronous_commit)

        def open_one(*_empty: str, **parameters: Any) -> Any:
            self.history.require_trust()
            return self.connect({**parameters, **self._credentials()})

        # Not the event do_connect: the first listener that returns a connection would silence all others.
        engine.dialect.connect = open_one  # type: ignore[method-assign]  # its own place for that

        @event.listens_for(engine, "connect")
        def _note(_connection: object, entry: ConnectionPoolEntry) -> None:
            entry.info["examined"] = True

        @event.listens_for(engine, "checkout")
        def _check(connection: Any, entry: ConnectionPoolEntry, _proxy: object) -> None:
            self.history.require_trust()
            if not entry.info.pop("examined", False):
                self._check_again(connection)

        return engine

    def _check_again(self, connection: Any) -> None:
        import psycopg  # noqa: PLC0415 - the extra "postgres"

        try:
            autocommit, connection.autocommit = connection.autocommit, True
            try:
                self.examine(connection)
            finally:
                if not connection.closed:
                    connection.autocommit = autocommit
        except WentBack as error:
            self._report(connection, error)
            raise
        except (psycopg.Error, NotTrusted) as error:
            raise InvalidatePoolError(str(error)) from None

    def connect(self, parameters: dict[str, Any]) -> "psycopg.Connection[Any]":
        """A connection to the primary. Raises what the driver raises, or ``NotTrusted``."""
        import psycopg  # noqa: PLC0415 - the extra "postgres"

        failures: list[Exception] = []
        found: list[tuple[int, psycopg.Connection[Any]]] = []
        for server in self.servers.order(parameters):
            try:
                connection = psycopg.connect(**server.alone(parameters))
            except psycopg.Error as error:
                self._note_failure(server, error, failures)
                continue
            self.sockets.add(connection, server)
            try:
                autocommit, connection.autocommit = connection.autocommit, True
                self.examine(connection)
                connection.autocommit = autocommit
            except (psycopg.Error, NotTrusted) as error:
                self._note_failure(server, error, failures)
                if isinstance(error, WentBack):
                    self._report(connection, error)
                connection.close()
                continue
            self.servers.record_success(server)
            if not self.history.trusting:
                return connection
            found.append((self.history.timeline or 0, connection))
        if not found:
            raise worst(failures)
        # Who trusts everything takes the newest of several primaries.
        newest = max(found, key=lambda one: one[0])[1]
        for _, connection in found:
            if connection is not newest:
                connection.close()
        return newest

    async def aconnect(
        self, application_name: str, timeout_seconds: float, *, watching: bool = False
    ) -> "psycopg.AsyncConnection[Any]":
        """``connect`` for an event loop, each statement its own transaction.

        A caller that gives up in the middle counts as a failure of the server. ``timeout_seconds`` is for each server.
        ``watching``: also where the database is not trusted, to notice when it is again.
        """
        import psycopg  # noqa: PLC0415 - the extra "postgres"

        if not watching:
            self.history.require_trust()
        parameters = {**self.sessions.url.parameters(application_name, timeout_seconds), **self._credentials()}
        failures: list[Exception] = []
        for server in self.servers.order(parameters):
            connection: psycopg.AsyncConnection[Any] | None = None
            try:
                connection = await psycopg.AsyncConnection.connect(autocommit=True, **server.alone(parameters))
                self.sockets.add(connection, server)
                await self.sessions.abegin(connection)
                await self.aexamine(connection)
            except (psycopg.Error, NotTrusted) as error:
                self._note_failure(server, error, failures)
                if connection is not None:
                    if isinstance(error, WentBack):
                        await self.areport(connection, error)
                    connection.pgconn.finish()
                continue
            except BaseException:
                self.servers.record_failure(server)
                if connection is not None:
                    connection.pgconn.finish()
                raise
            self.servers.record_success(server)
            self.on_connected()
            return connection
        raise worst(failures)

    def _note_failure(self, server: Server, error: Exception, failures: list[Exception]) -> None:
        self.servers.record_failure(server)
        failures.append(error)

    def silent(self, connection: Any) -> None:
        """Record that a connection's server timed out, so that another is tried first."""
        server = self.sockets.server_of(connection)
        if server is not None:
            self.servers.record_failure(server)

    def examine(self, connection: "psycopg.Connection[Any]") -> None:
        """Compare a connection's database with what this node has seen. Raises as ``History.examine`` does.

        The driver prepares the statement once a connection has run it a few times, unless a pooler is in front.
        """
        import psycopg  # noqa: PLC0415 - the extra "postgres"

        record, found, prepare = self.history.current(), None, None
        while found is None:
            try:
                row = connection.execute(self._statement, (_seq(record),), prepare=prepare).fetchone()
            except (psycopg.ProgrammingError, psycopg.NotSupportedError) as error:
                found, prepare = self._facts_after(error, prepare), False
            else:
                assert row is not None
                found = ServerFacts.of(row)
        self.history.examine(record, found)

    async def aexamine(self, connection: "psycopg.AsyncConnection[Any]") -> None:
        """``examine`` for an event loop; the connection is in autocommit mode."""
        import psycopg  # noqa: PLC0415 - the extra "postgres"

        record, found, prepare = self.history.current(), None, None
        while found is None:
            try:
                row = await (await connection.execute(self._statement, (_seq(record),), prepare=prepare)).fetchone()
            except (psycopg.ProgrammingError, psycopg.NotSupportedError) as error:
                found, prepare = self._facts_after(error, prepare), False
            else:
                assert row is not None
                found = ServerFacts.of(row)
        self.history.examine(record, found)

    def _facts_after(self, error: "psycopg.Error", prepare: bool | None) -> ServerFacts | None:
        """The error for a failed statement; ``None``: repeat it, not prepared.

        A prepared statement can fail after a migration or a restore, where the same text succeeds. Otherwise, the
        server keeps its control functions from ARI's role, and the statement is repeated without them.
        """
        if error.sqlstate in _NO_TABLES_OF_OURS:
            return facts.NO_TABLES
        if prepare is None:
            return None
        if self._statement != facts.POSTGRESQL:
            raise error
        self._statement = facts.POSTGRESQL_WITHOUT_CONTROL
        return None

    def _report(self, connection: "psycopg.Connection[Any]", error: WentBack) -> None:
        import psycopg  # noqa: PLC0415 - the extra "postgres"

        events = error.record.events
        try:
            rows = connection.execute(facts.KEPT, ([one.seq for one in events],)).fetchall()
        except psycopg.Error:
            rows = []
        self.history.report(error, facts.find_lost(dict(rows), events))

    async def areport(self, connection: "psycopg.AsyncConnection[Any]", error: WentBack) -> None:
        """Stop trusting the database, with a list of what it lost."""
        import psycopg  # noqa: PLC0415 - the extra "postgres"

        events = error.record.events
        try:
            rows = await (await connection.execute(facts.KEPT, ([one.seq for one in events],))).fetchall()
        except psycopg.Error:
            rows = []
        self.history.report(error, facts.find_lost(dict(rows), events))


def _seq(record: Record | None) -> int:
    return 0 if record is None else record.head.seq


def worst(failures: Sequence[Exception]) -> Exception:
    """Of the reasons why no server will do, the one that an operator must know."""
    for kind in (WentBack, NotTrusted, Unavailable):
        for failure in failures:
            if isinstance(failure, kind):
                return failure
    return failures[-1] if len(failures) == 1 else all_of(failures)
