"""Security rule 14: what was seen expired is stamped, by one change at a time, and no refusal waits for long."""

import asyncio

import pytest

from ari.base.errors import Unavailable
from ari.http.expiry_stamper import ExpiryStamper


class Store:
    """Stamps when the test allows it; ``asked`` are the instants of its calls."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.fault: Exception | None = None
        self.free = asyncio.Event()

    async def stamp(self, seen_at_ms: int) -> int:
        self.asked.append(seen_at_ms)
        await self.free.wait()
        if self.fault is not None:
            raise self.fault
        return 1


async def _run_turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_refusals_that_come_together_share_a_change() -> None:
    """Those that come while it runs share the next one, since it may have looked before their key expired."""

    async def run() -> tuple[list[int], bool]:
        store = Store()
        stamping = ExpiryStamper(store.stamp)
        early = [asyncio.ensure_future(stamping.stamp(at_ms)) for at_ms in (10, 30, 20)]
        await _run_turns()
        late = [asyncio.ensure_future(stamping.stamp(at_ms)) for at_ms in (60, 40)]
        await _run_turns()
        nobody_yet = not any(one.done() for one in early + late)
        store.free.set()
        await asyncio.gather(*early, *late)
        return store.asked, nobody_yet

    assert asyncio.run(run()) == ([30, 60], True)


@pytest.mark.parametrize("fault", [Unavailable("busy"), ValueError("a secret")], ids=["unavailable", "a bug"])
def test_where_it_fails_nobody_waits_twice(fault: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    """Callers that came in the meantime get a 503 as well (promise 1): a key that was shown as expired stays expired.
    The next try is of these keys too."""

    async def run() -> list[int]:
        store = Store()
        store.fault = fault
        stamping = ExpiryStamper(store.stamp)
        early = asyncio.ensure_future(stamping.stamp(10))
        await _run_turns()
        late = asyncio.ensure_future(stamping.stamp(50))
        await _run_turns()
        store.free.set()
        for one in (early, late):
            with pytest.raises(Unavailable, match="couldn't be recorded"):
                await one
        store.fault = None
        await stamping.stamp(20)
        return store.asked

    assert asyncio.run(run()) == [10, 50]
    said = capsys.readouterr().out
    assert "could not be stamped" in said
    assert "a secret" not in said


def test_who_hangs_up_holds_nobody() -> None:
    """A caller that left is passed over."""

    async def run() -> list[int]:
        store = Store()
        stamping = ExpiryStamper(store.stamp)
        gone, here = (asyncio.ensure_future(stamping.stamp(at_ms)) for at_ms in (1, 2))
        await _run_turns()
        gone.cancel()
        store.free.set()
        await here
        return store.asked

    assert asyncio.run(run()) == [2]
