"""Statements over ClickHouse's HTTP interface. Every fault is an ``Unavailable``, without a value of a row.

A client is made at the first use in each process, and again after a fault, with the URL as its file has it then.
"""

import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ari.base.clickhouse_url import ClickHouseUrl
from ari.base.errors import AriError, Unavailable
from ari.storage.clickhouse.table import TABLE
from ari.storage.postgres_reasons import log_reason
from ari.storage.usage.logged_row import COLUMNS, LoggedRow, decode, decode_names, decode_values

CONNECT_SECONDS = 3
READ_SECONDS, INSERT_SECONDS, LONG_SECONDS = 5, 10, 3_600
"""Of reads, of inserts, and of statements that change much: erasing an address, dropping a day."""
MAX_READS, MAX_WAIT_SECONDS = 8, 1.0
"""Reads of a process at once, and how long another waits for one to end: reads that hang must not take all threads."""
_REST_SECONDS = 2.0
"""After a timeout, others fail at once: a read of a page would otherwise wait for each of its queries."""
_LINES = "JSONCompactEachRow"
_NAMED_LINES = "JSONCompactEachRowWithNames"
"""A result without rows has a first line too: an empty response is that of something in between."""
_READING: dict[str, Any] = {
    "output_format_json_quote_64bit_integers": 0,
    "max_query_size": 16_000_000,
    "wait_end_of_query": 1,
}
_VALUE_CODES = frozenset({6, 25, 26, 27, 38, 41, 53, 69, 70, 72, 117, 131, 321, 349, 373, 441})
"""Errors of ClickHouse about a value that can't be parsed, converted or stored."""
_INSERTING: dict[str, Any] = {"async_insert": 0, "max_partitions_per_insert_block": 0, "wait_end_of_query": 1}


class ValueRefused(Unavailable):
    """ClickHouse refuses a value of a row, not the statement."""


class ClickHouse:
    """The database that ``read_url`` names. ``monotonic`` returns seconds."""

    def __init__(self, read_url: Callable[[], ClickHouseUrl], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._read_url = read_url
        self._monotonic = monotonic
        self._clients: dict[tuple[int, int], Any] = {}
        self._mutex = threading.Lock()
        self._free_reads = threading.BoundedSemaphore(MAX_READS)
        self._rests_until: float | None = None

    @property
    def place(self) -> str:
        """Host, port and database."""
        return self._read_url().place

    def read_rows(self, query: str, given: Mapping[str, Any], *, seconds: int = 0) -> list[LoggedRow]:
        """As ``read``, where the query selects all columns of rows."""
        rows: list[LoggedRow] = self.read(query, given, seconds=seconds, decode=decode)
        return rows

    def read_one(self, query: str, given: Mapping[str, Any] | None = None, *, seconds: int = 0) -> list[Any]:
        """As ``read``, where the result has one row."""
        found = self.read(query, given, seconds=seconds)
        if len(found) != 1:
            raise self.make_error("It sent no result.")
        (one,) = found
        return list(one)

    def read(
        self,
        query: str,
        given: Mapping[str, Any] | None = None,
        *,
        seconds: int = 0,
        decode: Callable[[bytes], list[Any]] = decode_values,
    ) -> list[Any]:
        """The rows of a query, as ``decode`` makes them. ``given`` are the values of ``%(name)s`` in it.

        ``seconds`` is the time it may take, if not ``READ_SECONDS``.
        """
        if seconds:
            return self._read(query, given, seconds, decode)
        if not self._free_reads.acquire(timeout=MAX_WAIT_SECONDS):
            raise self.make_error("Other reads of it take long.")
        try:
            return self._read(query, given, READ_SECONDS, decode)
        finally:
            self._free_reads.release()

    def _read(
        self, query: str, given: Mapping[str, Any] | None, seconds: int, decode: Callable[[bytes], list[Any]]
    ) -> list[Any]:
        settings = {**_READING, "max_execution_time": seconds}

        def read(client: Any) -> list[Any]:
            names, _, lines = client.raw_query(query, dict(given or {}), settings, _NAMED_LINES).partition(b"\n")
            decode_names(names)
            return decode(lines)

        found: list[Any] = self._run(seconds, read)
        return found

    def insert(self, lines: bytes) -> int | None:
        """Insert rows as ``logged_row.encode`` makes them. Returns how many the server says it stored, if it does.

        Raises ``ValueRefused`` if a value of theirs is refused.
        """
        done = self._run(
            INSERT_SECONDS, lambda client: client.raw_insert(TABLE, COLUMNS, lines, dict(_INSERTING), _LINES)
        )
        said = done.summary.get("written_rows")
        return None if said is None else int(said)

    def change(self, statement: str, given: Mapping[str, Any] | None = None) -> None:
        """Run a statement that may take long, and wait for its end."""
        settings = {"mutations_sync": 2, "alter_sync": 2, "max_execution_time": LONG_SECONDS}

        def change(client: Any) -> None:
            done = client.command(statement, dict(given or {}), None, settings)
            if hasattr(done, "query_id") and not done.query_id():
                raise ValueError("an empty response without the ID that ClickHouse gives each statement")

        self._run(LONG_SECONDS, change)

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        with self._mutex:
            clients, self._clients = self._clients, {}
        for (process, _), client in clients.items():
            if process == os.getpid():
                client.close()

    def make_error(self, reason: str, kind: type[Unavailable] = Unavailable) -> Unavailable:
        """The error of a statement, with the server and the cause for the operator."""
        try:
            server = f" at {self.place}"
        except AriError:  # the file with the URL is missing, or has no URL now
            server = ""
        reason = f"ClickHouse{server} has the rows of the usage log. {reason}"
        log_reason(reason)
        return kind("The rows of the usage log can't be read or written now.", reason=reason)

    def _run(self, seconds: int, work: Callable[[Any], Any]) -> Any:
        from clickhouse_connect.driver.exceptions import ClickHouseError  # noqa: PLC0415 - the extra "clickhouse"
        from urllib3.exceptions import HTTPError, NewConnectionError, TimeoutError  # noqa: A004, PLC0415 - as above

        if self._rests_until is not None and self._monotonic() < self._rests_until:
            raise self.make_error("It did not respond in time a moment ago.")
        try:
            found = work(self._find_client(seconds))
        except Exception as error:
            if not isinstance(error, (ClickHouseError, HTTPError, OSError, ValueError, LookupError, TypeError)):
                raise
            self._forget(seconds)
            if _is_caused_by(error, TimeoutError) and not _is_caused_by(error, NewConnectionError):
                self._rests_until = self._monotonic() + _REST_SECONDS
            kind = ValueRefused if getattr(error, "code", None) in _VALUE_CODES else Unavailable
            raise self.make_error(_reason_of(error), kind) from None
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
                client = self._clients[name] = connect(self._read_url(), seconds)
            return client


def connect(url: ClickHouseUrl, seconds: int) -> Any:
    """A new client of the driver. Its responses may take ``seconds``."""
    from clickhouse_connect import get_client  # noqa: PLC0415 - the extra "clickhouse"

    for name in ("clickhouse_connect", "urllib3.connectionpool"):  # they log what a server says, and we a reason
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return get_client(
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


def _is_caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False


def _reason_of(error: Exception) -> str:
    """Without the server's message, which may quote values."""
    name = getattr(error, "name", None) or getattr(error, "code", None)
    if name is not None:
        return f"It refused a statement: {name}."
    if isinstance(error, (ValueError, LookupError, TypeError)):
        return "Its response was cut, or isn't one of ClickHouse."
    return f"It can't be reached: {_cause_of(error)}."


def _cause_of(error: BaseException) -> str:
    """In a few words, without the text of any exception."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = getattr(current, "reason", None) or current.__cause__ or current.__context__
        if not isinstance(current, BaseException):
            break
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in chain):
        return "its certificate isn't trusted"
    if any(isinstance(one, ssl.SSLError) for one in chain):
        return "the port doesn't speak TLS as expected"
    if any(isinstance(one, FileNotFoundError) for one in chain):
        return "the file of ca_cert is missing"
    if any(isinstance(one, ConnectionRefusedError) for one in chain):
        return "nothing listens at this port"
    if any(isinstance(one, socket.gaierror) for one in chain):
        return "its name can't be resolved"
    return "no response in time" if any(isinstance(one, TimeoutError) for one in chain) else "the connection failed"
