"""Load: as many requests as the connections can carry (wrk), or a fixed number per second (``paced.py``)."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import machine

SEPARATOR = b"\x1e"
_SCRIPT = Path(__file__).with_name("load.lua")
_PACED = (sys.executable, "-m", "benchmarks.paced")
_STREAMS = (sys.executable, "-m", "benchmarks.streams")


@dataclass(frozen=True)
class Slice:
    """The result of some seconds of load. ``refused`` responses have a status ≥ 400; ``broken`` requests got none.

    ``generator_share`` is how much of its core the load generator used; near 1 it limits the rate.
    """

    requests: int
    seconds: float
    refused: int
    broken: int
    p50_us: float
    p99_us: float
    generator_share: float = 0.0

    @property
    def rate(self) -> float:
        """Responses per second, of any status."""
        return self.requests / self.seconds

    def rate_of(self, status: int) -> float:
        """Expected responses per second: refusals if ``status`` is 4xx, else the others."""
        expected = self.refused if status >= 400 else self.requests - self.refused
        return expected / self.seconds

    def error_share(self, status: int) -> float:
        """The share of requests without the expected response."""
        wrong = (self.requests - self.refused if status >= 400 else self.refused) + self.broken
        return wrong / max(1, self.requests + self.broken)


def message(port: int, path: str, headers: dict[str, str], method: str = "GET", body: bytes = b"") -> bytes:
    """A raw HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def write_messages(path: Path, messages: Iterable[bytes]) -> Path:
    """The file both load generators read."""
    path.write_bytes(SEPARATOR.join(messages))
    return path


def parse_wrk(output: str) -> Slice:
    """The result that ``load.lua`` printed. Raises ``ValueError`` if there is none."""
    for line in output.splitlines():
        if line.startswith("RESULT "):
            found = json.loads(line.removeprefix("RESULT "))
            seconds = found.pop("microseconds") / 1e6
            return Slice(seconds=seconds, **found)
    raise ValueError(f"wrk printed no result: {output.strip()[-300:]}")


def saturate(port: int, messages: Path, connections: int, seconds: int) -> Slice:
    """A closed loop: each connection sends its next request after the previous response."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(_SCRIPT)]
    before = _children_seconds()
    output = _run([*command, f"http://127.0.0.1:{port}/"], {"BENCH_REQUESTS": str(messages)}, seconds + 60)
    found = parse_wrk(output)
    return replace(found, generator_share=(_children_seconds() - before) / max(0.001, found.seconds))


@dataclass(frozen=True)
class Paced:
    """Responses to requests sent by the clock; latency counts from when a request was due, not when it was sent."""

    wanted_rate: float
    rate: float
    refused: int
    p50_us: float
    p99_us: float
    sent_late_p99_us: float


def pace(port: int, messages: Path, rate: float, seconds: int) -> Paced:
    """An open loop at ``rate`` requests a second."""
    command = [*_PACED, str(port), str(messages), f"{rate:.1f}"]
    return Paced(**json.loads(_run([*command, str(seconds)], {}, seconds + 60)))


def first_event_us(port: int, messages: Path, rate: float, seconds: int) -> float:
    """The median time to the first event of a stream, in µs. Raises ``RuntimeError`` if a stream failed."""
    command = [*_STREAMS, "first", str(port), str(messages), f"{rate:.1f}", str(seconds)]
    found = json.loads(_run(command, {}, seconds + 60))
    if found["failed"]:
        raise RuntimeError(f"{found['failed']} of {found['count']} streams failed")
    return float(found["p50_us"])


@contextmanager
def open_streams(port: int, messages: Path, count: int) -> Iterator[int]:
    """Streams that stay open; yields how many of ``count`` sent their first event."""
    command = [*machine.pinned(machine.LOAD_CORE), *_STREAMS, "open", str(port), str(messages), str(count)]
    process = subprocess.Popen(command, cwd=machine.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline().split()[1])
    finally:
        process.communicate()


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(command: Sequence[str], extra: dict[str, str], limit_seconds: float) -> str:
    done = subprocess.run(
        [*machine.pinned(machine.LOAD_CORE), *command],
        cwd=machine.ROOT,
        env={**os.environ, **extra},
        capture_output=True,
        text=True,
        timeout=limit_seconds,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout
