"""Proof of limits through services that embed the guard: workers of uvicorn and of granian on one data directory.

``make limits ARGS=--embedded``, with ``--requests N --kills N --seed N``. The same clients and the same judge as in
``limits.py``; workers and whole services are killed while they run, and no ``ari serve`` runs.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

from ari import keys
from tests.proof.limits import CLIENTS, Load, Subject, judge, make_subjects
from tests.support import wire
from tests.support.guard import GuardedInstance, guarded_instance
from tests.support.ports import free_port
from tests.support.server import START_SECONDS, clean_environment

ROOT = Path(__file__).parents[2]
APP = "tests.proof.embedding_app:app"
COMMANDS = {
    "uvicorn": ("uvicorn", APP, "--workers", "2", "--log-level", "warning", "--port"),
    "granian": ("granian", APP, "--interface", "asgi", "--workers", "2", "--respawn-failed-workers", "--port"),
}


class EmbeddingService:
    """A server of the app with two workers on a free port."""

    def __init__(self, name: str, instance: GuardedInstance, folder: Path) -> None:
        self.port = free_port()
        self._command = [sys.executable, "-m", *COMMANDS[name], str(self.port)]
        self._log = folder / f"{name}.log"
        settings = {"ARI_DATA_DIR": str(instance.data_dir), "ARI_DATABASE_URL": instance.database_url}
        self._environment = clean_environment(folder, settings)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it responds."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        ends = time.monotonic() + START_SECONDS
        while time.monotonic() < ends and self._process.poll() is None:
            url = f"http://127.0.0.1:{self.port}/health"
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as response:
                if response.status == 200:
                    return
            time.sleep(0.05)
        self.kill()
        raise AssertionError(f"the service did not start:\n{self._log.read_text()}")

    def kill(self) -> None:
        """Kill it with its workers, as a power loss would."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def kill_worker(self, random: Random) -> bool:
        """Kill one worker, which its server starts again. Returns whether there was one."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        workers = [int(pid) for pid in children.read_text().split()] if children.exists() else []
        if not workers:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(random.choice(workers), signal.SIGKILL)
        return True


class EmbeddedLoad(Load):
    """Clients of the services; each request costs one unit."""

    async def kill_services(self, services: Sequence[EmbeddingService], kills: int) -> None:
        """Kill a worker, then a whole service, and so on, at even shares of the load."""
        for number in range(kills):
            while self.responses < self.wanted * (number + 1) / (kills + 1):
                await asyncio.sleep(0.02)
            service = self.random.choice(services)
            if number % 2 == 0 and service.kill_worker(self.random):
                self.killed["worker"] += 1
            else:
                self.killed["service"] += 1
                await asyncio.to_thread(service.kill)
                await asyncio.to_thread(service.start)

    def _write(self, subject: Subject, name: str, units: int, node: Any) -> bytes:
        headers = {"x-api-key": subject.secret, "x-request-id": name}
        method = "POST" if self.random.random() < 0.3 else "GET"
        return wire.request(method, "/orders", node.port, headers, b"{}" if method == "POST" else b"")


class _Maker:
    """Makes keys as ``Owner`` does."""

    def __init__(self, instance: GuardedInstance) -> None:
        self._instance = instance

    def create_key(self, name: str, scopes: Sequence[str]) -> tuple[dict[str, Any], str]:
        made = self._instance.deps.do_sync(keys.create, keys.NewKey(name, scopes=tuple(scopes)))
        return {"id": made.key.id}, made.secret


@contextlib.contextmanager
def serve_embedded(folder: Path, database_url: str | None) -> Iterator[tuple[GuardedInstance, list[EmbeddingService]]]:
    """The services on one new instance."""
    with guarded_instance(folder, database_url) as instance:
        services = [EmbeddingService(name, instance, folder) for name in COMMANDS]
        try:
            for service in services:
                service.start()
            yield instance, services
        finally:
            for service in services:
                service.kill()


async def prove(
    instance: GuardedInstance, services: Sequence[EmbeddingService], requests: int, kills: int, seed: int
) -> list[str]:
    """Spend the limits with so many requests; returns what is wrong with the decisions."""
    database = instance.instance.database
    subjects = await asyncio.to_thread(make_subjects, _Maker(instance), database)
    for subject in subjects:
        subject.verified = False
    load = EmbeddedLoad(services, subjects, "", Random(seed), requests)
    clients = [asyncio.create_task(load.run_client()) for _ in range(CLIENTS)]
    await load.kill_services(services, kills)
    await asyncio.gather(*clients)
    print(f"  {load.responses:,} responses, killed {dict(load.killed)}", flush=True)
    return await asyncio.to_thread(judge, load.requests, subjects, database)


def run(requests: int, kills: int, seed: int) -> int:
    """The long form on SQLite. Returns the number of faults."""
    print(f"embedded: {requests:,} requests, {kills} kills, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="ari-proof-") as name:
        folder = Path(name)
        folder.chmod(0o700)
        with serve_embedded(folder, None) as (instance, services):
            found = asyncio.run(prove(instance, services, requests, kills, seed))
    for fault in found[:20]:
        print(f"  {fault}")
    print(f"embedded: {len(found)} faults", flush=True)
    return len(found)
