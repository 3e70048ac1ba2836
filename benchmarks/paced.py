"""An open-loop HTTP client, run as its own process: requests leave by the clock, whether responses arrive or not.

It speaks through bare sockets, since it must send more a second than the servers answer. It sleeps until shortly before
a request is due or a response comes: what runs on its core too, such as the gateway's provider, would otherwise wait
for the end of its time slice. A request that is due while all connections are busy waits, and its wait is part of its
latency (no coordinated omission).
"""

import json
import select
import socket
import sys
import time
from collections import deque
from pathlib import Path

from benchmarks import traffic

CONNECTIONS = 256
_WARM_UP = 0.15
"""The share of the run that isn't counted, at its start."""
_SPIN_SECONDS = 0.00006
"""A sleep may end this much late: the kernel's timer slack."""
_MAX_SLEEP_SECONDS = 0.1


def main(port: int, messages: list[bytes], rate: float, seconds: float) -> dict[str, float]:
    """Send and measure; latencies in µs."""
    with select.epoll() as poller:
        sockets = {connection.fileno(): connection for connection in _connect(port, poller)}
        try:
            return _run(poller, sockets, messages, rate, seconds)
        finally:
            for connection in sockets.values():
                connection.close()


def _run(
    poller: "select.epoll", sockets: dict[int, socket.socket], messages: list[bytes], rate: float, seconds: float
) -> dict[str, float]:
    idle = deque(sockets)
    due_of: dict[int, float] = {}
    partial: dict[int, bytes] = {}
    latencies, lateness, refused, sent = [], [], 0, 0
    clock = time.perf_counter
    began = clock()
    total = int(rate * seconds)
    parts = [message.split(traffic.UNIQUE.encode()) for message in messages]
    count_from = began + seconds * _WARM_UP
    give_up = began + seconds + 10
    while (sent < total or due_of) and (now := clock()) < give_up:
        while sent < total and idle and (due := began + sent / rate) <= now:
            number = idle.popleft()
            sockets[number].send((b"%016x" % sent).join(parts[sent % len(parts)]))
            due_of[number] = due
            if due >= count_from:
                lateness.append(now - due)
            sent += 1
        _sleep(poller, began + sent / rate if sent < total and idle else give_up, clock())
        for number, _ in poller.poll(0):
            received = sockets[number].recv(65536)
            if not received:
                raise ConnectionError("the server closed a connection")
            answer = partial.pop(number, b"") + received
            if not complete(answer):
                partial[number] = answer
                continue
            due = due_of.pop(number)
            if due >= count_from:
                latencies.append(clock() - due)
            refused += answer[9:10] != b"2"
            idle.append(number)
    return {
        "wanted_rate": rate,
        "rate": len(latencies) / max(1e-9, clock() - count_from),
        "refused": refused,
        "p50_us": percentile(latencies, 50),
        "p99_us": percentile(latencies, 99),
        "sent_late_p99_us": percentile(lateness, 99),
    }


def _sleep(poller: "select.epoll", due: float, now: float) -> None:
    """Return when a response is here, or shortly before ``due``. The poller's own timeout counts milliseconds only."""
    seconds = min(due - now - _SPIN_SECONDS, _MAX_SLEEP_SECONDS)
    if seconds > 0:
        select.select([poller], [], [], seconds)


def complete(answer: bytes) -> bool:
    """Whether a complete response is here: head and announced body."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = answer[:end].lower()
    start = head.find(b"content-length:")
    if start < 0:
        return True
    length = int(head[start + 15 :].partition(b"\r\n")[0])
    return len(answer) >= end + 4 + length


def percentile(seconds: list[float], share: float) -> float:
    """The ``share``-th percentile in µs; 0 without values."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, round(share / 100 * (len(ordered) - 1)))] * 1e6 if ordered else 0.0


def _connect(port: int, poller: "select.epoll") -> list[socket.socket]:
    made = []
    for _ in range(CONNECTIONS):
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        poller.register(connection.fileno(), select.EPOLLIN)
        made.append(connection)
    return made


if __name__ == "__main__":
    where, file, per_second, how_long = sys.argv[1:]
    raw = Path(file).read_bytes().split(b"\x1e")
    print(json.dumps(main(int(where), raw, float(per_second), float(how_long))))
