"""Statements over ClickHouse's HTTP interface. Every fault is an ``Unavailable``, without a value of a row.

A client is made at the first use in each process, and again after a fault, with the URL as its file has it then.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ari.base.clickhouse_url import ClickHouseUrl
from ari.base.errors import Unavailable
from ari.storage.clickhouse.table import CREATE, TABLE
from ari.storage.postgres_reasons import log_reason
from ari.storage.usage.logged_row import COLUMNS

CONNECT_SECONDS = 3
READ_SECONDS, LONG_SECONDS = 10, 3_600
"""Of reads and inserts, and of statements that change much: erasing an address, dropping a day."""
_REST_SECONDS = 2.0
"""After a timeout, others fail at once: a read of a page would otherwise wait for each of its queries."""
_LINES = "JSONCompactEachRow"
_READING: dict[str, Any] = {
    "output_format_json_quote_64bit_integers": 0,
    "max_query_size": 16_000_000,
}
_INSERTING: dict[str, Any] = {"async_insert": 0, "max_partitions_per_insert_block": 0, "wait_end_of_query": 1}


class ClickHouse:
    """The database that ``read_url`` names. ``monotonic`` returns seconds."""

    def __init__(self, read_url: Callable[[], ClickHouseUrl], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._read_url = read_url
        self._monotonic = monotonic
        self._clients: dict[tuple[int, int], Any] = {}
        self._mutex = threading.Lock()
        self._rests_until: float | None = None

    @property
    def place(self) -> str:
        """Host, port and database."""
        return self._read_url().place

    def read(self, query: str, given: Mapping[str, Any] | None = None, *, seconds: int = 0) -> bytes:
        """The rows of a query, a JSON list on each line. ``given`` are the values of ``%(name)s`` in it.

        ``seconds`` is the time it may take, if not ``READ_SECONDS``.
        """
        seconds = seconds or READ_SECONDS
        settings = {**_READING, "max_execution_time": seconds}
        found: bytes = self._run(seconds, lambda client: client.raw_query(query, dict(given or {}), settings, _LINES))
        return found

    def insert(self, lines: bytes) -> None:
        """Insert rows as ``logged_row.encode`` makes them. Returns once they are stored."""
        self._run(READ_SECONDS, lambda client: client.raw_insert(TABLE, COLUMNS, lines, dict(_INSERTING), _LINES))

    def change(self, statement: str, given: Mapping[str, Any] | None = None) -> None:
        """Run a statement that may take long, and wait for its end."""
        settings = {"mutations_sync": 2, "alter_sync": 2, "max_execution_time": LONG_SECONDS}
        self._run(LONG_SECONDS, lambda client: client.command(statement, dict(given or {}), None, settings))

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        with self._mutex:
            clients, self._clients = self._clients, {}
        for (process, _), client in clients.items():
            if process == os.getpid():
                client.close()

    def _run(self, seconds: int, work: Callable[[Any], Any]) -> Any:
        from clickhouse_connect.driver.exceptions import ClickHouseError  # noqa: PLC0415 - the extra "clickhouse"
        from urllib3.exceptions import HTTPError, NewConnectionError, TimeoutError  # noqa: A004, PLC0415 - as above

        if self._rests_until is not None and self._monotonic() < self._rests_until:
            raise _make_error("It did not respond in time a moment ago.")
        try:
            found = work(self._find_client(seconds))
        except (ClickHouseError, HTTPError, OSError) as error:
            self._forget(seconds)
            if _is_caused_by(error, TimeoutError) and not _is_caused_by(error, NewConnectionError):
                self._rests_until = self._monotonic() + _REST_SECONDS
            raise _make_error(_reason_of(error)) from None
        self._rests_until = None
        return found

    def _forget(self, seconds: int) -> None:
        """Make a new client next time. Others may still use this one."""
        with self._mutex:
            self._clients.pop((os.getpid(), seconds), None)

    def _find_client(self, seconds: int) -> Any:
        name = os.getpid(), seconds
        with self._mutex:
            client = self._clients.get(name)
            if client is None:
                client = self._clients[name] = _connect(self._read_url(), seconds)
            return client


def _connect(url: ClickHouseUrl, seconds: int) -> Any:
    from clickhouse_connect import get_client  # noqa: PLC0415 - the extra "clickhouse"

    for name in ("clickhouse_connect", "urllib3.connectionpool"):  # they log what a server says, and we a reason
        logging.getLogger(name).setLevel(logging.CRITICAL)
    client = get_client(
        interface="https" if url.is_secure else "http",
        host=url.host,
        port=url.port,
        username=url.user,
        password=url.password,
        database=url.database,
        ca_cert=url.ca_cert,
        connect_timeout=CONNECT_SECONDS,
        send_receive_timeout=seconds,
        query_retries=0,
        autogenerate_session_id=False,
        client_name="ari",
        dedicated_pool=True,
    )
    try:
        if client.raw_query(f"EXISTS TABLE {TABLE}", fmt="TabSeparated").strip() != b"1":
            client.command(CREATE)
    except BaseException:
        client.close()
        raise
    return client


def _is_caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False


def _reason_of(error: Exception) -> str:
    """Without the server's message, which may quote values."""
    name = getattr(error, "name", None) or getattr(error, "code", None)
    return "It can't be reached." if name is None else f"It refused a statement: {name}."


def _make_error(reason: str) -> Unavailable:
    reason = f"ClickHouse has the rows of the usage log. {reason}"
    log_reason(reason)
    return Unavailable("The rows of the usage log can't be read or written now.", reason=reason)
