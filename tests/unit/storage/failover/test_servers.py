"""The order in which servers are tried, and the end of all that waits for a silent one."""

import socket
from types import SimpleNamespace

import pytest

from ari.storage.failover.servers import Server, Servers, Sockets, parse_servers

A, B, C = (Server(name, None, "5432") for name in "abc")
URL = {"host": "a,b,c", "port": 5432}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, [(None, None, None)]),
        ({"host": "a", "port": 1}, [("a", None, "1")]),
        ({"host": "a,b", "port": "1,2"}, [("a", None, "1"), ("b", None, "2")]),
        ({"host": "a,b", "port": "1"}, [("a", None, "1"), ("b", None, "1")]),
        ({"host": "a,b", "port": "1,"}, [("a", None, "1"), ("b", None, None)]),
        ({"hostaddr": "::1,127.0.0.1"}, [(None, "::1", None), (None, "127.0.0.1", None)]),
        ({"host": "/run/pg,b", "hostaddr": ",10.0.0.1"}, [("/run/pg", None, None), ("b", "10.0.0.1", None)]),
    ],
)
def test_every_server_of_a_url_is_named(
    parameters: dict[str, object], expected: list[tuple[str | None, str | None, str | None]]
) -> None:
    """As libpq reads its lists; none is left out when the primary moves."""
    assert parse_servers(parameters) == [Server(*one) for one in expected]


def test_one_server_is_named_alone() -> None:
    """Without what the lists say of the others, such as the port of the second."""
    parameters = {"host": "a,b", "port": ",5433", "dbname": "ari"}
    found = [server.alone(parameters) for server in parse_servers(parameters)]
    assert found == [{"host": "a", "dbname": "ari"}, {"host": "b", "port": "5433", "dbname": "ari"}]


def test_who_worked_comes_first_and_who_failed_last_comes_last() -> None:
    """A caller that gives up at a silent server reaches the next one with its next call."""
    servers = Servers()
    assert servers.order(URL) == [A, B, C]
    servers.record_failure(A)
    assert servers.order(URL) == [B, C, A]
    servers.record_failure(B)
    servers.record_failure(C)
    assert servers.order(URL) == [A, B, C]
    servers.record_failure(A)
    assert servers.order(URL) == [B, C, A]
    servers.record_success(C)
    assert servers.order(URL) == [C, B, A]
    servers.record_failure(C)
    assert servers.order(URL) == [B, A, C]


class _Connection:
    def __init__(self, end: socket.socket) -> None:
        self.pgconn = SimpleNamespace(socket=end.fileno())


def test_only_the_sockets_of_the_silent_server_are_shut() -> None:
    """Connections to the server that took over go on, and a duplicate lives no longer than its connection."""
    sockets = Sockets()
    pairs = [socket.socketpair() for _ in range(2)]
    connections = [_Connection(pair[0]) for pair in pairs]
    for connection, server in zip(connections, (A, B), strict=True):
        sockets.add(connection, server)
    assert sockets.server_of(connections[0]) == A
    assert sockets.shut(A) == 1
    assert pairs[0][0].recv(1) == b""
    pairs[1][1].sendall(b"x")
    assert pairs[1][0].recv(1) == b"x"
    connections.clear()
    del connection
    assert sockets.shut(B) == 0
    for pair in pairs:
        for end in pair:
            end.close()
