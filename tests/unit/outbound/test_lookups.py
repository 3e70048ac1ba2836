"""Lookups of names: one that hangs holds its own thread, and delays no other name."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ari.outbound.lookups import LookupThreads
from ari.outbound.webhooks import HttpWebhookSender

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]


class Resolver:
    """Names that begin with ``hang`` get no result until ``release`` is set."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.names: list[str] = []

    def __call__(self, host: str, *_: Any, **__: Any) -> list[Any]:
        self.names.append(host)
        if host.startswith("hang"):
            self.release.wait(60)
        if host == "unknown.example":
            raise socket.gaierror("unknown")
        return FOUND


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    """Instead of the system's resolver."""
    found = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", found)
    yield found
    found.release.set()


async def _give_up(threads: LookupThreads, host: str) -> None:
    """Begin a lookup and cancel it."""
    task = asyncio.create_task(threads.resolve(host, 0))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_names_that_hang_delay_no_other(resolver: Resolver) -> None:
    """However many callers gave up on them; each name holds one thread, however often it is asked."""

    async def work() -> list[Any]:
        threads = LookupThreads(8)
        for number in range(7):
            await _give_up(threads, f"hang{number}.example")
            await _give_up(threads, f"hang{number}.example")
        return await threads.resolve("fine.example", 0)

    assert asyncio.run(work()) == FOUND
    assert resolver.names.count("hang0.example") <= 1


def test_too_many_fail_at_once_and_free_their_place(resolver: Resolver) -> None:
    """A limit bounds the threads; once a lookup ends, its place is free."""

    async def work() -> list[Any]:
        threads = LookupThreads(1)
        first = asyncio.create_task(threads.resolve("hang.example", 0))
        await asyncio.sleep(0)
        with pytest.raises(OSError, match="too many"):
            await threads.resolve("fine.example", 0)
        resolver.release.set()
        return [await first, await threads.resolve("fine.example", 0)]

    assert asyncio.run(work()) == [FOUND, FOUND]


def test_callers_share_a_lookup(resolver: Resolver) -> None:
    """One of them gives up, the other still gets the result."""

    async def work() -> list[Any]:
        threads = LookupThreads(1)
        other = asyncio.create_task(threads.resolve("hang.example", 0))
        await asyncio.sleep(0)
        await _give_up(threads, "hang.example")
        resolver.release.set()
        return await other

    assert asyncio.run(work()) == FOUND
    assert resolver.names == ["hang.example"]


def test_an_unknown_name_is_an_error(resolver: Resolver) -> None:
    """The resolver's own; the next lookup starts again."""

    async def work() -> None:
        threads = LookupThreads(1)
        for _ in range(2):
            with pytest.raises(socket.gaierror):
                await threads.resolve("unknown.example", 0)

    asyncio.run(work())


def test_webhooks_of_keys_do_not_stop_the_owners(resolver: Resolver) -> None:
    """Keys' webhooks have threads of their own: however many names of theirs hang, the owner's are called."""

    async def work() -> str | None:
        sender = HttpWebhookSender()
        posts = [
            asyncio.create_task(
                sender.post(f"https://hang{number}.example/", [], b"", private=False, within_seconds=60)
            )
            for number in range(100)
        ]
        await asyncio.sleep(0)
        found = await sender.post("https://unknown.example/", [], b"", private=True, within_seconds=60)
        for post in posts:
            post.cancel()
        await asyncio.gather(*posts, return_exceptions=True)
        return found.fault

    assert asyncio.run(work()) == "Couldn't connect."
    assert "unknown.example" in resolver.names


def test_a_name_that_hangs_ends_with_the_time_limit(resolver: Resolver) -> None:
    """Of the whole request: its webhook's task goes on, though the resolver doesn't."""
    sender = HttpWebhookSender()
    found = asyncio.run(sender.post("https://hang.example/", [], b"", private=True, within_seconds=0.1))
    assert (found.status, found.fault) == (None, "No response in time.")
    assert resolver.names == ["hang.example"]
