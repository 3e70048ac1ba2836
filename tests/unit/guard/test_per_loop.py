"""Event loops come and go, in several threads: each has its own connections, and those of a closed loop are closed."""

import asyncio
import threading

from ari.guard.per_loop import PerLoop


class Connection:
    """Counts those that are open."""

    open_now = 0

    def __init__(self) -> None:
        Connection.open_now += 1

    async def close(self) -> None:
        Connection.open_now -= 1
        raise OSError("its loop is gone")


async def connect() -> Connection:
    await asyncio.sleep(0)
    return Connection()


def test_a_closed_loop_is_cleaned_up_once() -> None:
    """By the next loop, whatever closing raises, also if several threads begin one at the same time."""
    connections = PerLoop(connect, Connection.close)

    async def use() -> None:
        assert await connections.get() is connections.find()

    begin, faults = threading.Barrier(8), list[BaseException]()

    def work() -> None:
        try:
            for _ in range(20):
                begin.wait()
                asyncio.run(use())
        except BaseException as error:  # noqa: BLE001 - any is a failure, and the test shows it
            faults.append(error)
            begin.abort()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    asyncio.run(use())
    assert Connection.open_now == 1


def test_closing_while_it_opens_leaves_nothing_open() -> None:
    """The next caller opens another."""
    opened: list[str] = []
    closed: list[str] = []

    async def open_one() -> str:
        await asyncio.sleep(0)
        opened.append(f"number {len(opened)}")
        return opened[-1]

    async def close_one(one: str) -> None:
        closed.append(one)

    async def run() -> None:
        connections = PerLoop(open_one, close_one)
        opening = asyncio.ensure_future(connections.get())
        await asyncio.sleep(0)
        await connections.close()
        assert await opening == "number 0"
        assert connections.find() is None
        assert await connections.get() == "number 1"
        assert connections.find() == "number 1"
        await connections.close()
        assert connections.find() is None

    asyncio.run(run())
    assert closed == ["number 0", "number 1"]


def test_a_failed_opening_of_a_closed_loop_stops_no_other() -> None:
    """The next loop opens its own."""
    outcomes = [ValueError("no"), None]

    async def open_one() -> Connection:
        error = outcomes.pop(0)
        if error is not None:
            raise error
        return Connection()

    connections = PerLoop(open_one, Connection.close)
    task: asyncio.Future[Connection]

    async def abandon() -> None:
        nonlocal task
        task = asyncio.ensure_future(connections.get())
        await asyncio.sleep(0)

    asyncio.run(abandon())
    asyncio.run(connections.get())
    assert outcomes == []
