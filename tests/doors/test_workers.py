"""Many workers are one server: any of them may die, none outlives its parent, nobody is turned away."""

import http.client
import os
import re
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, Self

import pytest

from ari.base import server_url
from ari.storage import forks
from tests.support import raw
from tests.support.processes import eventually, fold_processes_of, is_running, kill, workers_of
from tests.support.server import ServerProcess

# Without the kernel's help, as on systems that are not Linux.
WITHOUT_KERNEL = """
from ari.serving import parent_exit
parent_exit.ask_kernel = lambda: None
from ari.cli.main import main
main()
"""
# The second worker never serves; or none does.
SECOND_FAILS = """
from ari.serving import worker
works = worker.work
def work(served, *rest):
    if served[0][0].app.state.presence.number {which}:
        raise RuntimeError("planted")
    return works(served, *rest)
worker.work = work
from ari.cli.main import main
main()
"""


# Says how long each fork waited for uses of SQLite: the first and the last of what runs before it.
TIMED_FORKS = """
import os, sys, time
times = []
def report():
    print(f"fork waited {time.monotonic() - times.pop():.6f} s", file=sys.stderr, flush=True)
os.register_at_fork(before=report)
from ari.storage import forks
os.register_at_fork(before=lambda: times.append(time.monotonic()))
from ari.cli.main import main
main()
"""
WAITED = re.compile(r"fork waited ([\d.]+) s")
# The second worker never serves, and the first does so only when the pipe is opened.
FIRST_WAITS = """
from ari.serving import worker
works = worker.work
def work(served, settings, *rest):
    if served[0][0].app.state.presence.number:
        raise RuntimeError("planted")
    (settings.data_dir.parent / "may-serve").open().close()
    return works(served, settings, *rest)
worker.work = work
from ari.cli.main import main
main()
"""


def _is_healthy(port: int) -> bool:
    try:
        return raw.get(port, b"/api/health").status == 200
    except (OSError, AssertionError):
        return False


def _answers(port: int) -> bool:
    try:
        return raw.get(port, b"/api/ready").status == 200
    except (OSError, AssertionError):
        return False


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


class Knocking:
    """Clients that ask again and again, each time on a new connection, and count what became of it."""

    def __init__(self, port: int, secret: str, clients: int = 4) -> None:
        self.port = port
        self.secret = secret
        self.seen: Counter[str] = Counter()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(30)

    def more(self, count: int = 40) -> None:
        """Wait until so many more succeed."""
        wanted = self.seen["200"] + count
        eventually(lambda: self.seen["200"] >= wanted)

    def _ask(self) -> None:
        while not self._over.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            try:
                connection.request("GET", "/api/me", headers={"x-api-key": self.secret})
                self.seen[str(connection.getresponse().status)] += 1
            except (ConnectionRefusedError, TimeoutError) as error:
                self.seen[type(error).__name__] += 1
            except (OSError, http.client.HTTPException):
                self.seen["cut"] += 1
            finally:
                connection.close()


def _has_replaced(owner: Any, pid: int, workers: int) -> bool:
    """Whether all workers run, without this one."""
    return len(set(workers_of(owner.server)) - {pid}) == workers


def _has_another_fold_process(owner: Any, pid: int) -> bool:
    return bool(set(fold_processes_of(owner.server)) - {pid})


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_worker_is_replaced_and_nobody_is_turned_away(make_owner: Callable[..., Any], workers: int) -> None:
    """Only its running responses are cut; the others, or the next one, serve everything after."""
    owner = make_owner(workers=workers)
    _, secret = owner.create_key("k")
    kills = 3  # soon after one another: that is no reason to give up
    with Knocking(owner.server.port, secret) as clients:
        for _ in range(kills):
            clients.more()
            before = workers_of(owner.server)
            kill(before[0])
            eventually(partial(_has_replaced, owner, before[0], workers))
        clients.more()
    assert set(clients.seen) <= {"200", "cut"}, clients.seen
    assert clients.seen["cut"] <= kills * 4
    eventually(lambda: _is_healthy(owner.server.port))
    assert owner.server.log_text().count("a worker ended and is replaced") == kills
    assert owner.server.stop() == 0


def test_a_stopped_worker_keeps_nobody_waiting(make_owner: Callable[..., Any]) -> None:
    """Connections wait at the server, not at one worker: what hangs is only what it had already taken."""
    owner = make_owner(workers=2)
    _, secret = owner.create_key("k")
    port = owner.server.port
    stopped = workers_of(owner.server)[0]
    kill(stopped, signal.SIGSTOP)
    request = f"GET /api/me HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nx-api-key: {secret}\r\n\r\n".encode()
    answers = [raw.send(port, request, timeout_seconds=10) for _ in range(50)]
    assert [answer and answer.status for answer in answers] == [200] * 50
    kill(stopped, signal.SIGCONT)
    assert owner.server.stop() == 0


@pytest.mark.parametrize("how", ["killed", "stopped", "without-kernel"])
def test_no_worker_outlives_its_parent(make_server: Callable[..., Any], how: str) -> None:
    """A killed parent takes its workers along at once, also one that is stopped. Port and URL are free again."""
    command = {"command": (sys.executable, "-c", WITHOUT_KERNEL)} if how == "without-kernel" else {}
    if how == "stopped" and sys.platform != "linux":
        pytest.skip("only Linux ends a stopped process with its parent")
    server = make_server(workers=2, **command).start()
    workers = workers_of(server)
    assert len(workers) == 2
    processes = [*workers, *eventually(lambda: fold_processes_of(server))]
    if how == "stopped":
        kill(workers[0], signal.SIGSTOP)
    server.process.kill()
    server.process.wait()
    eventually(lambda: not any(map(is_running, processes)), seconds=10)
    eventually(lambda: _is_free(server.port), seconds=10)
    assert (server.data_dir / "server-url").exists()
    # The kernel shows a process as ended while its last thread still closes the files.
    eventually(lambda: server_url.read(server.data_dir) is None, seconds=10)


def test_a_worker_that_cannot_start_is_seen(make_owner: Callable[..., Any]) -> None:
    """The instance says that it is not whole, and serves with what it has."""
    command = (sys.executable, "-c", SECOND_FAILS.format(which="== 1"))
    owner = make_owner(workers=1, command=command)
    _, secret = owner.create_key("k")
    owner.server.stop()
    owner.server.workers = 2
    owner.server.start(wait=False)
    client = owner.api(secret)
    eventually(lambda: "planted" in owner.server.log_text())
    assert client.get("/api/me").status_code == 200
    eventually(lambda: owner.server.log_text().count("planted") > 3)  # it keeps trying
    assert client.get("/api/health").status_code == 503
    assert owner.server.stop() == 0


def test_a_server_waits_for_a_worker_that_starts_slowly(make_server: Callable[..., Any]) -> None:
    """However often another one fails in that time, as on a machine that is very busy."""
    server = make_server(workers=2, command=(sys.executable, "-c", FIRST_WAITS))
    pipe = server.folder / "may-serve"
    os.mkfifo(pipe)
    server.start(wait=False)
    eventually(lambda: server.log_text().count("planted") > 3)
    assert server.process.poll() is None
    pipe.open("w").close()
    eventually(lambda: _answers(server.port))
    assert server.stop() == 0


def test_a_server_whose_workers_cannot_start_ends(make_server: Callable[..., Any]) -> None:
    """Rather than trying for ever what never worked."""
    server = make_server(workers=2, command=(sys.executable, "-c", SECOND_FAILS.format(which=">= 0")))
    assert server.launch().wait(30) == 1
    assert "no worker can start" in server.log_text()


def test_a_killed_fold_process_is_replaced(make_owner: Callable[..., Any]) -> None:
    """Workers go on as if nothing happened; a stop ends the new one too."""
    owner = make_owner(workers=2)
    _, secret = owner.create_key("k")
    workers = workers_of(owner.server)
    for _ in range(3):
        [before] = eventually(lambda: fold_processes_of(owner.server))
        kill(before)
        eventually(partial(_has_another_fold_process, owner, before))
    assert owner.api(secret).get("/api/me").status_code == 200
    assert workers_of(owner.server) == workers
    assert _is_healthy(owner.server.port)
    assert owner.server.log_text().count("the fold process ended and is replaced") == 3
    [last] = eventually(lambda: fold_processes_of(owner.server))
    assert owner.server.stop() == 0
    assert not is_running(last)


def _find_others(find: Callable[[ServerProcess], list[int]], server: ServerProcess, known: list[int]) -> set[int]:
    return set(find(server)) - set(known)


def test_a_replaced_process_is_forked_without_waiting(make_owner: Callable[..., Any]) -> None:
    """The parent uses no SQLite when it forks: a fork that waited would leave a worker's place empty for seconds."""
    owner = make_owner(workers=2, command=(sys.executable, "-c", TIMED_FORKS))
    _, secret = owner.create_key("k")
    for _ in range(2):
        for processes_of in (workers_of, fold_processes_of):
            before = eventually(partial(processes_of, owner.server))
            kill(before[0])
            eventually(partial(_find_others, processes_of, owner.server, before))
    assert owner.api(secret).get("/api/me").status_code == 200
    waits = [float(seconds) for seconds in WAITED.findall(owner.server.log_text())]
    assert len(waits) >= 7  # the first three, and those that replace four
    assert max(waits) < forks.WAIT_SECONDS / 2
    owner.server.stop()


def test_a_taken_port_is_named(server: Any, make_server: Callable[..., Any], tmp_path: Any) -> None:
    """Two servers never share a port unnoticed."""
    folder = tmp_path / "other"
    folder.mkdir(mode=0o700)
    second = make_server(folder)
    second.port = server.port
    assert second.launch().wait(30) == 1
    assert f"Can't listen on 127.0.0.1 port {server.port}: address already in use" in second.log_text()
