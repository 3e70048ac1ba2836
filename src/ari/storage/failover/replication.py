"""Whether a synchronous standby confirms what is committed, and what a change may do when none does."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, RootTransaction, event
from sqlalchemy.exc import InterfaceError, OperationalError

from ari.base.errors import Unavailable

SYNC_WAIT_SECONDS = 5
"""How long a commit waits for a standby. PostgreSQL itself waits for ever."""

# Subscribers of logical replication and pg_basebackup are no standbys.
_STANDBYS = """FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup' AND pid NOT IN
    (SELECT active_pid FROM pg_replication_slots WHERE slot_type = 'logical' AND active_pid IS NOT NULL)"""
STATE = f"""SELECT current_setting('synchronous_standby_names'), count(*), count(sync_state),
    count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')), current_setting('synchronous_commit') {_STANDBYS}"""
"""Without the rights of pg_monitor a role sees that standbys exist, but not their state."""
CANCEL_WAITS = f"""SELECT pg_cancel_backend(pid) FROM pg_stat_activity
    WHERE current_setting('synchronous_standby_names') <> '' AND wait_event = 'SyncRep'
    AND datname = current_database() AND usename = current_user AND application_name LIKE 'ari%'
    AND clock_timestamp() - query_start > interval '{SYNC_WAIT_SECONDS} s'"""  # noqa: S608 - our own number
UNKNOWN = (
    "The database connection was lost during the commit, so the change may have been saved. Check before you retry."
)
_SHUTDOWN = "57P"
"""Class of SQLSTATE for a server that ends connections, which it may do after it committed."""
_WROTE = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL"
_CONFIRMED_LEVEL = """SELECT set_config('synchronous_commit', 'on', true)
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')"""
_REFUSED = "Changes are refused because of ARI_DATABASE_SYNC=required"
UNCONFIRMED = (
    "The change was saved on the primary, but no synchronous standby confirmed it in time. It is lost if the primary "
    "fails now. Check before you retry."
)


@dataclass(frozen=True, slots=True)
class ReplicationState:
    """The standbys that the primary reports.

    Of ``standbys``, ARI's role can see the state of ``visible``; ``confirming`` of those are synchronous.
    """

    names: str = ""
    standbys: int = 0
    visible: int = 0
    confirming: int = 0
    commit: str = "on"

    @classmethod
    def of(cls, row: Sequence[Any]) -> "ReplicationState":
        """From a row of ``STATE``."""
        names, standbys, visible, confirming, commit = row
        return cls(str(names).strip(), standbys, visible, confirming, str(commit))

    @property
    def must_confirm(self) -> bool:
        """Whether commits wait for a standby."""
        return self.names != ""

    @property
    def nobody_confirms(self) -> bool:
        """Whether it is certain that no standby confirms a commit."""
        return not self.must_confirm or self.standbys == 0 or (self.visible > 0 and self.confirming == 0)

    @property
    def warning(self) -> bool:
        """Whether a switch of servers now could lose changes, or commits wait in vain."""
        return self.nobody_confirms and (self.standbys > 0 or self.must_confirm)

    @property
    def words(self) -> str:
        """The state in a sentence."""
        if not self.standbys and not self.must_confirm:
            return "No standby is connected."
        if not self.must_confirm:
            return (
                f"{_count(self.standbys)} connected, all asynchronous. synchronous_standby_names isn't set, so a "
                "failover can lose confirmed changes, including revocations."
            )
        if self.nobody_confirms:
            return (
                f"{_count(self.standbys)} connected, and none matches synchronous_standby_names = '{self.names}'. "
                f"Every change waits {SYNC_WAIT_SECONDS} seconds and fails with 503."
            )
        if not self.visible:
            return f"{_count(self.standbys)} connected. Only a role with pg_monitor can see whether one is synchronous."
        return f"{_count(self.standbys)} connected, {self.confirming} of them confirming changes."


def _count(standbys: int) -> str:
    return "No standby is" if not standbys else "1 standby is" if standbys == 1 else f"{standbys} standbys are"


class CommitUnconfirmed(Unavailable):
    """Committed on the primary, but not confirmed by a standby."""

    def __init__(self) -> None:
        super().__init__(UNCONFIRMED)


class Confirmation:
    """Sees to it that a commit of the keys database does not count as confirmed when PostgreSQL gave up waiting.

    ``required`` refuses changes that no synchronous standby can confirm (``ARI_DATABASE_SYNC``).
    """

    def __init__(self, engine: Engine, *, required: bool) -> None:
        self._required = required

        @event.listens_for(engine, "connect")
        def _listen(connection: Any, _entry: object) -> None:
            warned: list[str] = []
            connection.add_notice_handler(lambda notice: warned.append(notice.severity_nonlocalized or ""))
            connection.ari_warned = warned

        @event.listens_for(engine, "commit")
        def _begin(connection: Connection) -> None:
            _get_warnings(connection).clear()

    @contextmanager
    def begin_confirmed(self, engine: Engine) -> Iterator[Connection]:
        """A transaction, committed at the end. Raises ``CommitUnconfirmed``, or ``Unavailable`` if it is refused."""
        with engine.connect() as connection:
            with connection.begin() as transaction:
                yield connection
                wrote = self._required and self._prepare(connection)
                _commit(transaction)
            if "WARNING" in _get_warnings(connection):
                raise CommitUnconfirmed
            if wrote and not _names_of_standbys(connection):
                raise CommitUnconfirmed  # the setting was emptied while the commit waited, which ends the wait

    def _prepare(self, connection: Connection) -> bool:
        """Whether something is to be committed that must be confirmed. Raises ``Unavailable`` if it cannot be."""
        if not connection.exec_driver_sql(_WROTE).scalar_one():
            return False
        state = ReplicationState.of(connection.exec_driver_sql(STATE).one())
        if not state.must_confirm:
            raise Unavailable(f"{_REFUSED}: synchronous_standby_names isn't set on the database server.")
        if state.nobody_confirms:
            raise Unavailable(f"{_REFUSED}: no synchronous standby is connected to the database server.")
        connection.exec_driver_sql(_CONFIRMED_LEVEL)
        return True


def _commit(transaction: RootTransaction) -> None:
    try:
        transaction.commit()
    except (OperationalError, InterfaceError) as error:
        state = getattr(error.orig, "sqlstate", None)
        if state is None or state.startswith(_SHUTDOWN):
            raise Unavailable(UNKNOWN) from None
        raise  # the server says that it rolled back


def _names_of_standbys(connection: Connection) -> str:
    connection = connection.execution_options(ari_read_only=True)  # no turn of a writer
    return str(connection.exec_driver_sql("SHOW synchronous_standby_names").scalar_one()).strip()


def _get_warnings(connection: Connection) -> list[str]:
    raw: Any = connection.connection.driver_connection
    found: list[str] = raw.ari_warned
    return found
