"""The current request of a task or thread, and its waits."""

import asyncio
from time import perf_counter

from ari.base.served_request import NOTED_SECONDS, ServedRequest, find_served_request, note_wait, set_served_request


def test_waits_of_one_kind_add_up() -> None:
    """Short ones are left out, and so are those after the request's end or without one."""

    async def serve() -> ServedRequest:
        request = ServedRequest("req_1")
        set_served_request(request)
        note_wait("database", perf_counter() - 2)
        note_wait("database", perf_counter() - 3)
        note_wait("client", perf_counter() - NOTED_SECONDS / 5)
        await asyncio.to_thread(note_wait, "email", perf_counter() - 1)
        request.is_served = False
        note_wait("provider", perf_counter() - 9)
        assert find_served_request() is None
        return request

    waits = asyncio.run(serve()).waits
    assert waits is not None
    assert {name: round(seconds) for name, seconds in waits.items()} == {"database": 5, "email": 1}
    note_wait("database", perf_counter() - 9)
    assert find_served_request() is None


def test_requests_see_only_themselves() -> None:
    """Two requests that run in turns on one event loop."""

    async def serve(request: ServedRequest) -> bool:
        set_served_request(request)
        for _ in range(3):
            await asyncio.sleep(0)
        return find_served_request() is request

    async def run() -> list[bool]:
        return await asyncio.gather(*(serve(ServedRequest(f"req_{number}")) for number in range(5)))

    assert all(asyncio.run(run()))
