"""Moments that the proofs look for by chance, made on purpose: an expiry or a clock step in the middle of a call."""

import asyncio
import fcntl
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ari import keys
from ari.base.clock import HOUR_MS
from ari.deps import Deps
from ari.http.middleware import Middleware
from ari.keys import NewKey
from ari.server import build_app
from tests.support.clock import FrozenClock
from tests.support.instances import START_MS, opened
from tests.support.processes import eventually, workers_of


def _holds_file(pid: int, path: Path) -> int:
    """How often a process has the file open: once for its database's turn, or for the wait for it."""
    folder = Path(f"/proc/{pid}/fd")
    return sum(os.path.realpath(one) == str(path.resolve()) for one in folder.iterdir())


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to see that the change is waiting")
@pytest.mark.parametrize("change", [{"expires_at": None}, {"disabled": False}, {"name": "again"}])
def test_a_change_that_waited_past_the_expiry_comes_too_late(owner: Any, change: dict[str, Any]) -> None:
    """A key is judged when its change is made, not when the request came: what expired in the queue is not revived."""
    _, admin = owner.create_key("admin", scopes=["*"])
    key, secret = owner.create_key("k", expires="1h")
    lock = owner.server.data_dir / "ari.lock"

    def is_waiting() -> bool:
        return any(_holds_file(pid, lock) for pid in (owner.server.process.pid, *workers_of(owner.server)))

    with lock.open("rb") as file, ThreadPoolExecutor(1) as threads:
        fcntl.flock(file, fcntl.LOCK_EX)
        answer = threads.submit(owner.api(admin).patch, f"/api/keys/{key['id']}", json=change)
        eventually(is_waiting)
        owner.server.clock.advance(3_601)
        fcntl.flock(file, fcntl.LOCK_UN)
        assert (answer.result().status_code, answer.result().json()["code"]) == (409, "key_inactive")
    assert owner.api(secret).get("/api/me").json()["code"] == "expired"


class _SteppingClock(FrozenClock):
    """Goes back an hour after it was read once."""

    reads = 0

    def now_ms(self) -> int:
        self.reads += 1
        return super().now_ms() - (0 if self.reads == 1 else HOUR_MS)


def test_what_was_refused_as_expired_stays_so_when_the_clock_steps(data_dir: Path, database_url: str | None) -> None:
    """The stamp carries the instant of the refusal: a step back between the two revives nothing."""
    with opened(data_dir, database_url) as instance:
        new = NewKey("k", expires_at_ms=START_MS + HOUR_MS)
        created = Deps(instance).do_sync(keys.create, new)
        guard = build_app(instance)
        instance.clock = _SteppingClock(START_MS + HOUR_MS)
        assert asyncio.run(_ask_twice(guard, created.secret)) == ["expired", "expired"]


async def _ask_twice(guard: Middleware, secret: str) -> list[str]:
    await guard.start()
    codes = []
    for _ in range(2):
        sent: list[Any] = []

        async def send(message: Any, sent: list[Any] = sent) -> None:
            sent.append(message)

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        headers = [(b"host", b"127.0.0.1"), (b"x-api-key", secret.encode())]
        scope = {"type": "http", "method": "GET", "path": "/api/me", "query_string": b"", "headers": headers}
        await guard(scope, receive, send)
        codes.append("ok" if sent[0]["status"] == 200 else str(json.loads(sent[1]["body"])["code"]))
    await guard.stop()
    return codes
