"""A guarded app on several gunicorn workers and threads over one data directory keeps every promise: a revoked key is
dead on the next request in each worker, and each response is in the usage log, even if a worker is killed."""

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ari import keys
from tests.support import forked
from tests.support.forked import ROOT
from tests.support.guard import GuardedInstance, guarded_instance
from tests.support.ports import free_port
from tests.support.server import clean_environment

WORKERS, CLIENTS, REQUESTS = 3, 6, 25
START_SECONDS = 60


class Seen(NamedTuple):
    """A response that a client saw."""

    request_id: str
    status: int
    worker: int


class Gunicorn:
    """gunicorn with a preloaded app, so that its workers are forks of a process that has imported the guard."""

    def __init__(self, data_dir: Path) -> None:
        self.port = free_port()
        place = [
            "--bind",
            f"127.0.0.1:{self.port}",
            "--workers",
            str(WORKERS),
            "--threads",
            "4",
            "--log-level",
            "error",
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--preload", *place, "tests.support.guarded_flask:app"],
            env=clean_environment(data_dir.parent, {"ARI_DATA_DIR": str(data_dir)}),
            cwd=ROOT,
            start_new_session=True,
        )

    def send(self, method: str, path: str, key: str, request_id: str) -> Seen | None:
        """One request on a connection of its own; ``None`` if no whole response came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        try:
            connection.request(method, path, headers={"x-api-key": key, "x-request-id": request_id})
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return Seen(request_id, response.status, int(response.headers["x-worker"]))

    def find_workers(self, key: str) -> set[int]:
        """The processes that serve, once all do."""
        found: set[int] = set()
        ends = time.monotonic() + START_SECONDS
        while len(found) < WORKERS and time.monotonic() < ends:
            seen = self.send("GET", "/health", key, "health")
            if seen is not None:
                found.add(seen.worker)
        assert len(found) == WORKERS
        return found

    def stop(self) -> None:
        """End it as an operator would."""
        self.process.terminate()
        assert self.process.wait(START_SECONDS) == 0


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[GuardedInstance]:
    with guarded_instance(tmp_path) as found:
        yield found


@pytest.fixture
def gunicorn(instance: GuardedInstance) -> Iterator[Gunicorn]:
    started = Gunicorn(instance.data_dir)
    yield started
    if started.process.poll() is None:
        os.killpg(started.process.pid, signal.SIGKILL)
        started.process.wait()


def _run_app(instance: GuardedInstance, what: str) -> list[str]:
    made = instance.create_key()
    environment = clean_environment(instance.data_dir.parent, {"ARI_DATA_DIR": str(instance.data_dir)})
    done = forked.run([what, made.secret], environment, ROOT, module="tests.support.guarded_flask")
    assert not done.stderr
    return sorted(done.stdout.splitlines())


def test_a_fork_of_a_process_that_served(instance: GuardedInstance) -> None:
    """Parent and child each go on with connections of their own, and lose nothing."""
    assert _run_app(instance, "once") == ["child 200 200 200 200", "parent 200 200 200"]
    assert [row.status for row in instance.read_rows()] == [200] * 6


def test_forks_of_a_process_that_is_serving(instance: GuardedInstance) -> None:
    """Whatever its threads do at that moment, every process serves, and each response is in the log."""
    statuses = " ".join(_run_app(instance, "busy")).split()
    assert set(statuses) == {"200"}
    assert len(instance.read_rows()) == len(statuses)


@pytest.mark.slow
def test_workers_lose_nothing_and_refuse_at_once(instance: GuardedInstance, gunicorn: Gunicorn) -> None:
    """Clients in parallel, a worker killed among them; then a key revoked; then an orderly end."""
    made = instance.create_key()
    victim = min(gunicorn.find_workers(made.secret))
    seen: list[Seen | None] = []
    sent = threading.Semaphore(0)

    def run_client(number: int) -> None:
        for turn in range(REQUESTS):
            method = "POST" if turn % 2 else "GET"
            seen.append(gunicorn.send(method, "/orders", made.secret, f"client-{number}-{turn}"))
            sent.release()

    clients = [threading.Thread(target=run_client, args=(number,)) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for _ in range(CLIENTS * REQUESTS // 2):
        sent.acquire()
    os.kill(victim, signal.SIGKILL)
    for client in clients:
        client.join()

    serving = gunicorn.find_workers(made.secret) - {victim}
    instance.deps.do_sync(keys.revoke, made.key.id)
    refused: list[Seen] = []
    while {one.worker for one in refused} != serving:
        found = gunicorn.send("GET", "/orders", made.secret, f"revoked-{len(refused)}")
        assert found is not None
        assert found.status == 401
        refused.append(found)
    gunicorn.stop()

    answered = [one for one in seen if one is not None]
    assert {one.status for one in answered} == {200}
    assert len({one.worker for one in answered}) >= WORKERS
    rows = instance.read_rows()
    counts = Counter(row.request_id for row in rows)
    assert set(counts.values()) == {1}
    assert {one.request_id for one in [*answered, *refused]} <= counts.keys()
    assert len(rows) <= CLIENTS * REQUESTS + len(refused)
    completed = {row.request_id: row.status for row in rows}
    survivors = [one for one in [*answered, *refused] if one.worker != victim]
    assert {one.request_id: one.status for one in survivors}.items() <= completed.items()
