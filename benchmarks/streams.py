"""A client of streamed chats, run as its own process: the delay of the first event, or many streams kept open.

``first PORT FILE RATE SECONDS`` sends requests by the clock and prints the median time to the first event in µs.
``open PORT FILE COUNT`` opens streams, prints ``open`` with the number that sent an event, and closes them when its
input ends.
"""

import asyncio
import itertools
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import traffic

_FIRST = b"data: "
_END = b"0\r\n\r\n"
_CONNECT_AT_ONCE = 50


async def first_events(port: int, messages: Sequence[bytes], rate: float, seconds: float) -> dict[str, float]:
    """µs from each request to its first event, median; the connections are kept."""
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    found: list[float] = []
    failed = 0
    requests = _unique(messages)

    async def one() -> None:
        nonlocal failed
        request = next(requests)
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
        began = time.perf_counter()
        writer.write(request)
        try:
            await reader.readuntil(_FIRST)
            found.append(time.perf_counter() - began)
            await reader.readuntil(_END)
        except (asyncio.IncompleteReadError, ConnectionError):
            failed += 1
            writer.close()
        else:
            idle.append((reader, writer))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for at in range(int(rate * seconds)):
            await asyncio.sleep(began + at / rate - time.perf_counter())
            group.create_task(one())
    for _, writer in idle:
        writer.close()
    warm = found[len(found) // 5 :]
    return {"p50_us": statistics.median(warm or [0.0]) * 1e6, "failed": failed, "count": len(found)}


async def open_streams(port: int, messages: Sequence[bytes], count: int, seconds: float) -> list[asyncio.StreamWriter]:
    """Streams that sent an event within ``seconds``; they stay open."""
    at_once = asyncio.Semaphore(_CONNECT_AT_ONCE)
    requests = _unique(messages)

    async def one() -> asyncio.StreamWriter | None:
        async with at_once:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(next(requests))
            try:
                await asyncio.wait_for(reader.readuntil(_FIRST), seconds)
            except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                return None
            return writer

    return [writer for writer in await asyncio.gather(*(one() for _ in range(count))) if writer is not None]


def _unique(messages: Sequence[bytes]) -> Iterator[bytes]:
    return (traffic.fill(messages[number % len(messages)], number) for number in itertools.count())


async def _hold(port: int, messages: Sequence[bytes], count: int) -> None:
    opened = await open_streams(port, messages, count, 30)
    print("open", len(opened), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    what, where, file, *numbers = sys.argv[1:]
    raw = Path(file).read_bytes().split(b"\x1e")
    if what == "first":
        rate, seconds = map(float, numbers)
        print(json.dumps(asyncio.run(first_events(int(where), raw, rate, seconds))))
    else:
        asyncio.run(_hold(int(where), raw, int(numbers[0])))
