import asyncio
from collections import Counter

from ari.base.errors import Unavailable
from ari.usage.recorder import UsageRecorder
from tests.support.clock import FrozenClock
from tests.support.usage import make_row
from tests.unit.usage.fakes import Disk, FakeStore, Play, run_turns


def test_where_the_buffer_is_full_callers_wait_and_no_row_is_dropped(play: Play) -> None:
    """Back-pressure: all rows are written in the end, in the order in which they came."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        store.hold()
        rows = [make_row() for _ in range(50)]
        writing = [asyncio.create_task(usage.write(row)) for row in rows]
        await run_turns()
        store.release()
        await asyncio.gather(*writing)
        assert store.rows == rows
        assert max(len(batch.rows) for batch in store.batches) <= 4

    play(scenario, usage_buffer_rows=4)


def test_callers_that_never_reached_the_buffer_are_refused_and_not_logged(play: Play) -> None:
    """A stuck disk cannot make the log grow without bounds, for however long."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        store.hold()
        rows = [make_row() for _ in range(4)]
        held = [asyncio.create_task(usage.write(row)) for row in rows]
        for _ in range(3):
            given = await asyncio.gather(*(usage.write(make_row()) for _ in range(20)), return_exceptions=True)
            assert {type(error) for error in given} == {Unavailable}
        await asyncio.gather(*held, return_exceptions=True)
        store.release()
        await usage.stop()
        assert store.rows == rows

    play(scenario, usage_buffer_rows=4, usage_wait_seconds=0.1)


def test_who_hung_up_in_the_line_takes_no_place_in_the_buffer(play: Play) -> None:
    """The next in line moves up."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        store.hold()
        rows = [make_row() for _ in range(4)]
        writing = [asyncio.create_task(usage.write(row)) for row in rows]
        await run_turns()
        writing[2].cancel()
        store.release()
        await asyncio.gather(writing[0], writing[1], writing[3])
        assert store.rows == [rows[0], rows[1], rows[3]]

    play(scenario, usage_buffer_rows=2)


def test_refusals_of_a_flood_are_counted_to_the_last(play: Play, clock: FrozenClock) -> None:
    """60 rows a minute and one that counts the rest; the next minute begins again; accepted ones are never folded."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        for _ in range(200):
            await usage.write(make_row(code="revoked", status=401))
        await asyncio.gather(*(usage.write(make_row()) for _ in range(100)))
        clock.advance(60)
        await usage.write(make_row(code="revoked", status=401))
        latest = {row.id: row for row in store.rows}
        assert Counter(row.code for row in latest.values()) == {"revoked": 62, "ok": 100}
        assert sorted(row.count for row in latest.values() if row.code == "revoked") == [1] * 61 + [140]

    play(scenario)


def test_on_a_full_disk_refusals_are_only_counted(play: Play, disk: Disk, clock: FrozenClock) -> None:
    """The log says so; accepted requests are still listed."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        low_disk = [usage.low_disk]
        disk.free = 99
        clock.advance(1)
        for _ in range(5):
            await usage.write(make_row(code="expired", status=401))
        await usage.write(make_row())
        low_disk.append(usage.low_disk)
        assert [row.count for row in store.rows] == [1, 2, 3, 4, 5, 1]
        assert len({row.id for row in store.rows}) == 2
        disk.free = 101
        clock.advance(1)
        assert [*low_disk, usage.low_disk] == [False, True, False]

    play(scenario, min_free_disk=100)


def test_the_disk_is_asked_at_most_once_a_second(play: Play, disk: Disk, clock: FrozenClock) -> None:
    """Whatever the load; a disk that does not say leaves the response as it was."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        for _ in range(10):
            await usage.write(make_row(code="revoked"))
        assert disk.asked == 1
        clock.advance(1)
        disk.free = -1
        assert not usage.low_disk
        assert disk.asked == 2

    play(scenario)


def test_texts_and_addresses_are_cleaned_before_the_buffer(play: Play) -> None:
    """No unclean value ever waits for a commit."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        await usage.write(make_row(path="/a\x00b", user_agent="sk-ant-api03-abcdefgh", client_address="192.0.2.77"))
        await usage.count("unknown", "2001:db8:1:2::3")
        [row] = store.rows
        assert (row.path, row.user_agent, row.client_address) == ("/a\ufffdb", "sk-ant-api…", "192.0.2.0/24")
        assert [attempt.address for batch in store.batches for attempt in batch.attempts] == ["2001:db8:1::/48"]

    play(scenario, usage_addresses="network")
