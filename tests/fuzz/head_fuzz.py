"""Fuzz how a real server reads requests, byte by byte on raw sockets: ``python -m tests.fuzz.head_fuzz --seconds N``.

Whatever it gets, the server keeps serving with its workers, never responds with 5xx but 503, and never with 2xx
to a request that does not send the live key: on its own line, once, and not inside the body of another request.
"""

import argparse
import asyncio
import contextlib
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.head_cases import Case, Keys, Maker
from tests.support import raw
from tests.support.owner import Owner, start_owner
from tests.support.processes import workers_of
from tests.support.server import ServerProcess

AT_ONCE = 16
HEALTH_EVERY = 200
_STATUS = re.compile(rb"(?:^|\r\n\r\n|[}>\n])HTTP/1\.[01] (\d{3}) ")


@dataclass
class Findings:
    """What came back, by status; ``wrong`` are cases that broke a promise."""

    statuses: Counter[int] = field(default_factory=Counter)
    closed: int = 0
    wrong: list[tuple[str, bytes]] = field(default_factory=list)


async def exchange(port: int, case: Case, patience_seconds: float = 0.5) -> bytes:
    """Send, wait a little for a response, then hang up half-way and take what still comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        parts = [case.data] if case.pause_at is None else [case.data[: case.pause_at], case.data[case.pause_at :]]
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                while chunk := await reader.read(65536):
                    received += chunk
                    if b"\r\n\r\n" in received:
                        patience_seconds = 0.05
                        break
        writer.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                while chunk := await reader.read(65536):
                    received += chunk
    except (ConnectionError, BrokenPipeError, OSError):
        pass
    finally:
        writer.transport.abort()
    return received


def judge(case: Case, received: bytes, findings: Findings) -> None:
    """Count the responses and note what breaks a promise."""
    statuses = [int(status) for status in _STATUS.findall(received)]
    findings.statuses.update(statuses)
    findings.closed += not statuses
    for status in statuses:
        if status >= 500 and status != 503:
            findings.wrong.append((f"answered {status}", case.data))
        if case.hostile and 200 <= status < 300:
            findings.wrong.append((f"answered {status} without a live key", case.data))


async def run(server: ServerProcess, keys: Keys, seed: int, *, cases: int | None, seconds: float) -> Findings:
    """Send cases until there were so many or the time is over, some at once; stop at the first wrong one."""
    maker, findings = Maker(keys, server.port, random.Random(seed)), Findings()
    workers = sorted(workers_of(server))
    ends, sent = time.monotonic() + seconds, 0

    async def sender() -> None:
        nonlocal sent
        while not findings.wrong and time.monotonic() < ends and (cases is None or sent < cases):
            sent += 1
            case = maker.case()
            judge(case, await exchange(server.port, case), findings)
            if sent % HEALTH_EVERY == 0:
                assert (await asyncio.to_thread(raw.get, server.port, b"/api/health")).status == 200

    await asyncio.gather(*(sender() for _ in range(AT_ONCE)))
    answer = raw.get(server.port, b"/api/me", b"x-api-key: " + keys.live)
    assert answer.status == 200, answer
    assert sorted(workers_of(server)) == workers, "a worker died"
    return findings


def main() -> int:
    """Exit code 0 if nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ari-fuzz-") as folder:
        data_dir = Path(folder) / "data"
        data_dir.mkdir(mode=0o700)
        server = ServerProcess(data_dir)
        try:
            owner = start_owner(server)
            keys = keys_of(owner)
            findings = asyncio.run(run(server, keys, given.seed, cases=None, seconds=given.seconds))
            log = server.log_text()
        finally:
            server.kill()
    print(
        f"seed {given.seed}: {sum(findings.statuses.values())} answers {dict(findings.statuses.most_common())}, "
        f"{findings.closed} closed unanswered"
    )
    for what, data in findings.wrong[:3]:
        print(what, data[:3000])
    if "Traceback" in log:
        print(log[-5000:])
    return 1 if findings.wrong or "Traceback" in log else 0


def keys_of(owner: Owner) -> Keys:
    """A live administrator's key and a revoked one."""
    _, live = owner.create_key("live", scopes=["*"])
    dead, dead_secret = owner.create_key("dead", scopes=["*"])
    owner.cli("keys", "revoke", dead["id"], "--yes", check=True)
    return Keys(live.encode(), (dead_secret.encode(),))


if __name__ == "__main__":
    sys.exit(main())
