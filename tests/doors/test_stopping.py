"""Stopping: what is in flight is finished and logged, a second signal does not wait, and nothing hangs for ever."""

import http.client
import itertools
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import select

from ari.base import server_url
from ari.storage.tables import usage_rows
from tests.support.processes import eventually, fold_processes_of, kill, workers_of
from tests.support.usage import log_of


class Asking:
    """Clients that ask on kept connections until these end, and note which responses arrived whole.

    All connections are open before the first request, so none can be refused by a server that is stopping.
    """

    def __init__(self, port: int, secret: str, clients: int = 8) -> None:
        self.secret = secret
        self.answered: set[str] = set()
        self.faults: list[str] = []
        self._numbers = itertools.count()
        connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=20) for _ in range(clients)]
        for connection in connections:
            connection.connect()
        self._threads = [threading.Thread(target=self._ask, args=(one,), daemon=True) for one in connections]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait until all connections have ended."""
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()

    def _ask(self, connection: http.client.HTTPConnection) -> None:
        with closing(connection):
            self._ask_on(connection)

    def _ask_on(self, connection: http.client.HTTPConnection) -> None:
        while True:
            name = f"r{next(self._numbers)}"
            headers = {"x-api-key": self.secret, "x-request-id": name}
            try:
                connection.request("GET", "/api/me", headers=headers)
                answer = connection.getresponse()
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                return  # before any of the response: the request was never taken up
            except OSError as error:
                self.faults.append(repr(error))
                return
            try:
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.faults.append(f"cut in the middle: {error!r}")
                return
            if answer.status == 200:
                self.answered.add(name)
            else:
                self.faults.append(f"status {answer.status}")
            if answer.will_close:
                return


def _read_logged_ids(owner: Any) -> set[str]:
    with log_of(owner.server.data_dir) as log:
        return set(log.scalars(select(usage_rows.c.request_id)))


def _send_half_post(port: int, secret: str, body: bytes) -> socket.socket:
    """A request whose body is still to come, once it is in a handler's hands."""
    head = (
        f"POST /api/keys HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nx-api-key: {secret}\r\nx-request-id: half-sent\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(head.encode() + body[:1])
    return connection


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_in_flight_is_finished_and_logged(make_owner: Callable[..., Any], number: signal.Signals) -> None:
    """Under load: exit status 0, no response cut, and every response that was seen is in the log."""
    owner = make_owner(workers=2)
    _, secret = owner.create_key("k")
    clients = Asking(owner.server.port, secret)
    eventually(lambda: len(clients.answered) > 100)
    owner.server.process.send_signal(number)
    assert owner.server.process.wait(20) == 0, owner.server.log_text()
    clients.join()
    assert clients.faults == []
    assert clients.answered <= _read_logged_ids(owner)


def test_a_change_under_way_is_made_and_confirmed(make_owner: Callable[..., Any]) -> None:
    """The body arrives after the signal: the key is there, its caller gets a response, the log knows how it ended."""
    owner = make_owner()
    _, secret = owner.create_key("admin", scopes=["*"])
    body = b'{"name": "in flight"}'
    connection = _send_half_post(owner.server.port, secret, body)
    eventually(lambda: "half-sent" in _read_logged_ids(owner))  # written before the handler runs
    owner.server.process.send_signal(signal.SIGTERM)
    eventually(lambda: not _accepts(owner.server.port))
    with connection:
        connection.sendall(body[1:])
        assert connection.recv(65536).startswith(b"HTTP/1.1 201 ")
    assert owner.server.process.wait(20) == 0
    with log_of(owner.server.data_dir) as log:
        assert log.scalar(select(usage_rows.c.status).where(usage_rows.c.request_id == "half-sent")) == 201
    assert "in flight" in owner.cli("keys", "list").stdout


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def test_nobody_holds_a_stopping_server(make_owner: Callable[..., Any]) -> None:
    """A client that never finishes its request is left behind after ARI_STOP_SECONDS; silent ones at once."""
    owner = make_owner(settings={"ARI_STOP_SECONDS": "0.2"})
    _, secret = owner.create_key("admin", scopes=["*"])
    silent = socket.create_connection(("127.0.0.1", owner.server.port))
    half = _send_half_post(owner.server.port, secret, b'{"name": "never"}')
    eventually(lambda: "half-sent" in _read_logged_ids(owner))
    assert owner.server.stop() == 0
    assert "stopped with requests in progress" in owner.server.log_text()
    for connection in (silent, half):
        connection.close()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_ends_it_at_once(make_owner: Callable[..., Any], number: signal.Signals, status: int) -> None:
    """A second signal does not wait for the others."""
    owner = make_owner(settings={"ARI_STOP_SECONDS": "600"})
    _, secret = owner.create_key("admin", scopes=["*"])
    with _send_half_post(owner.server.port, secret, b'{"name": "never"}'):
        eventually(lambda: "half-sent" in _read_logged_ids(owner))
        owner.server.process.send_signal(number)
        eventually(lambda: not _accepts(owner.server.port))
        assert owner.server.process.poll() is None
        owner.server.process.send_signal(number)
        assert owner.server.process.wait(20) == status
    eventually(lambda: not workers_of(owner.server))


def test_a_worker_that_cannot_end_is_killed(make_owner: Callable[..., Any]) -> None:
    """A worker that is stopped does not keep the server from ending; its end is reported as a failure."""
    owner = make_owner(workers=2, settings={"ARI_STOP_SECONDS": "0", "ARI_USAGE_WAIT_SECONDS": "0.1"})
    worker = workers_of(owner.server)[0]
    os.kill(worker, signal.SIGSTOP)
    assert owner.server.stop() == 1
    assert "were killed" in owner.server.log_text()


def test_ctrl_c_reaches_all_and_counts_once(make_owner: Callable[..., Any]) -> None:
    """A terminal sends the signal to parent and workers alike; a service manager does the same with SIGTERM."""
    owner = make_owner(workers=2)
    _, secret = owner.create_key("admin", scopes=["*"])
    body = b'{"name": "in flight"}'
    connection = _send_half_post(owner.server.port, secret, body)
    eventually(lambda: "half-sent" in _read_logged_ids(owner))
    os.killpg(owner.server.process.pid, signal.SIGTERM)
    eventually(lambda: not _accepts(owner.server.port))
    with connection:
        connection.sendall(body[1:])
        assert connection.recv(65536).startswith(b"HTTP/1.1 201 ")
    assert owner.server.process.wait(20) == 0


def test_an_idle_connection_is_closed_by_a_stop(make_owner: Callable[..., Any]) -> None:
    """An idle kept connection is closed by a stopping server, which the command line no longer names."""
    owner = make_owner()
    assert server_url.read(owner.server.data_dir) == owner.server.url
    _, secret = owner.create_key("k")
    connection = http.client.HTTPConnection("127.0.0.1", owner.server.port, timeout=20)
    connection.request("GET", "/api/me", headers={"x-api-key": secret})
    assert connection.getresponse().read()
    owner.server.process.send_signal(signal.SIGTERM)
    assert connection.sock.recv(1) == b""
    connection.close()
    assert owner.server.process.wait(20) == 0
    assert server_url.read(owner.server.data_dir) is None
    assert not (owner.server.data_dir / "server-url").exists()


def test_no_wal_stays_after_a_stop(make_owner: Callable[..., Any]) -> None:
    """Even where the fold process ends last, without closing its files: an erased address could stay in a WAL."""
    owner = make_owner()
    owner.create_key("k")
    folder = owner.server.data_dir
    [fold] = eventually(lambda: fold_processes_of(owner.server))
    eventually(lambda: len([*folder.glob("*-wal")]) == 3)
    kill(fold, signal.SIGSTOP)
    owner.server.process.send_signal(signal.SIGTERM)
    eventually(lambda: not workers_of(owner.server))
    kill(fold, signal.SIGCONT)
    assert owner.server.process.wait(20) == 0
    assert not [*folder.glob("*-wal")]
