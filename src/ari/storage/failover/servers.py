"""The servers that a database URL names, in the order in which they are worth trying, and the sockets open to them."""

import os
import socket
import threading
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

_NAMES = ("host", "hostaddr", "port")


@dataclass(frozen=True, slots=True)
class Server:
    """One server of a URL; libpq's parameters that name it."""

    host: str | None
    hostaddr: str | None
    port: str | None

    def alone(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters that name several servers, with this one instead."""
        own = {name: value for name in _NAMES if (value := getattr(self, name)) is not None}
        return {name: value for name, value in parameters.items() if name not in _NAMES} | own

    def __str__(self) -> str:
        return f"{self.host or self.hostaddr or 'the local server'}:{self.port or 5432}"


class Servers:
    """Remembers which servers worked and failed last, for all connections of a process.

    The server that worked last comes first, then those never tried, then those that failed, the oldest failure first:
    so a caller with little patience reaches each of them in turn.
    """

    def __init__(self) -> None:
        self._failed_at: dict[Server, float] = {}
        self._worked: Server | None = None

    def order(self, parameters: Mapping[str, Any]) -> list[Server]:
        """The servers that libpq's parameters name."""
        return sorted(parse_servers(parameters), key=self._rank)

    def record_success(self, server: Server) -> None:
        self._worked = server
        self._failed_at.pop(server, None)

    def record_failure(self, server: Server) -> None:
        """Record that the server timed out or isn't the primary."""
        self._failed_at[server] = time.monotonic()
        if self._worked == server:
            self._worked = None

    def _rank(self, server: Server) -> float:
        return -1.0 if server == self._worked else self._failed_at.get(server, 0.0)


def parse_servers(parameters: Mapping[str, Any]) -> list[Server]:
    """One server for each entry of the lists in ``host``, ``hostaddr`` and ``port``."""
    lists = {name: str(parameters[name]).split(",") for name in _NAMES if parameters.get(name)}
    count = max((len(lists[name]) for name in ("host", "hostaddr") if name in lists), default=1)
    spread = {name: (values * count if len(values) == 1 else values) for name, values in lists.items()}
    return [
        Server(*(spread[name][index] or None if index < len(spread.get(name, ())) else None for name in _NAMES))
        for index in range(count)
    ]


class Sockets:
    """Duplicates of the sockets of open connections, so that any thread can end what waits for a silent server.

    A duplicate names the same socket for as long as it is open; the number of the original may be reused at any time.
    """

    def __init__(self) -> None:
        self._open: dict[int, Server] = {}
        self._servers: weakref.WeakKeyDictionary[Any, Server] = weakref.WeakKeyDictionary()
        self._mutex = threading.Lock()

    def add(self, connection: Any, server: Server) -> None:
        """Watch over a psycopg connection until nobody holds it."""
        duplicate = os.dup(connection.pgconn.socket)
        with self._mutex:
            self._open[duplicate] = server
            self._servers[connection] = server
        weakref.finalize(connection, self._forget, duplicate)

    def server_of(self, connection: Any) -> Server | None:
        """The server at the other end of a connection that was added."""
        return self._servers.get(connection)

    def _forget(self, duplicate: int) -> None:
        with self._mutex:
            if self._open.pop(duplicate, None) is not None:
                os.close(duplicate)

    def shut(self, server: Server) -> int:
        """End all connections to a server: whatever waits for it fails at once. Returns how many there were."""
        with self._mutex:
            found = [number for number, to in self._open.items() if to == server]
            for number in found:
                with suppress(OSError), socket.socket(fileno=os.dup(number)) as same:
                    same.shutdown(socket.SHUT_RDWR)
        return len(found)
