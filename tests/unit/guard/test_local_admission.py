"""A request without an event loop is decided on its own thread where nothing has to be waited for; the rules are the
same everywhere."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ari import keys
from ari.guard import Ari
from ari.guard.held_request import HeldRequest
from ari.storage.write_lock import write_lock
from tests.support.guard import GuardedInstance, guarded_instance


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[GuardedInstance]:
    with guarded_instance(tmp_path) as found:
        yield found


@pytest.fixture
def ari(instance: GuardedInstance) -> Iterator[Ari]:
    """Open, since the first request was served."""
    made = Ari.local(instance.data_dir)
    send(made, instance.create_secret(), path="/first")
    yield made
    made.stop()


def hold(ari: Ari, secret: str, method: str = "GET", path: str = "/orders") -> HeldRequest:
    environ = {"REQUEST_METHOD": method, "HTTP_X_API_KEY": secret, "REMOTE_ADDR": "192.0.2.1"}
    return HeldRequest(ari, environ, path)


def send(ari: Ari, secret: str, scope: str = "orders:read", **request: str) -> int:
    """The status of a request to a view that requires ``scope``."""
    held = hold(ari, secret, **request)
    refusal = held.authorize(ari.require(scope), "/orders").refusal
    status = 200 if refusal is None else refusal.status
    other = held.finish(status, 5)
    held.abandon()
    return status if other is None else other.status


@pytest.fixture
def no_trips(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a request goes to the thread of the event loop."""

    def fail(work: Any) -> None:
        work.close()
        raise AssertionError("a trip")

    monkeypatch.setattr(ari, "run", fail)


@pytest.mark.usefixtures("no_trips")
def test_an_accepted_request_goes_to_no_other_thread(instance: GuardedInstance, ari: Ari) -> None:
    """From any thread, and its row is in the log when it is finished."""
    secret = instance.create_secret()
    with ThreadPoolExecutor(4) as threads:
        statuses = list(threads.map(lambda _: send(ari, secret), range(40)))
    assert statuses == [200] * 40
    rows = [row for row in instance.read_rows() if row.path != "/first"]
    assert [(row.code, row.status, row.source, row.bytes) for row in rows] == [("ok", 200, "guard", 5)] * 40


@pytest.mark.usefixtures("no_trips")
def test_an_unsafe_request_is_logged_before_its_view_acts(instance: GuardedInstance, ari: Ari) -> None:
    """As everywhere; its status follows."""
    held = hold(ari, instance.create_secret(), "POST")
    assert held.authorize(ari.require("orders:write"), "/orders").refusal is None
    assert [row.status for row in instance.read_rows()] == [200, None]
    assert held.finish(201, 5) is None
    Ari.stop(ari)
    assert [row.status for row in instance.read_rows()] == [200, 201]


def test_a_revoked_key_is_dead_on_the_next_request(instance: GuardedInstance, ari: Ari) -> None:
    """Of every thread, and the refusal is logged as it always was."""
    for _ in range(5):
        made = instance.create_key()
        with ThreadPoolExecutor(4) as threads:
            assert set(threads.map(lambda _: send(ari, made.secret), range(8))) == {200}  # noqa: B023 - runs now
            instance.deps.do_sync(keys.revoke, made.key.id)
            assert set(threads.map(lambda _: send(ari, made.secret), range(8))) == {401}  # noqa: B023 - as above
    codes = [row.code for row in instance.read_rows()]
    assert codes.count("revoked") == 40


def test_what_needs_more_is_decided_by_the_event_loop(instance: GuardedInstance, ari: Ari) -> None:
    """Limits stay exact, and refusals have their usual codes."""
    limited = instance.create_secret(limits=[{"name": "default", "limit": 3, "window": "1h"}])
    narrow = instance.create_secret("orders:read")
    with ThreadPoolExecutor(4) as threads:
        statuses = list(threads.map(lambda _: send(ari, limited), range(10)))
    assert sorted(statuses) == [200] * 3 + [429] * 7
    assert send(ari, narrow, "orders:write") == 403
    assert send(ari, "ari_live_unknown") == 401
    assert send(ari, "") == 401
    codes = {row.code for row in instance.read_rows()}
    assert codes == {"ok", "rate_limited", "insufficient_scope"}


def test_a_second_guard_that_refuses_is_what_the_log_has(instance: GuardedInstance, ari: Ari) -> None:
    """Also where the first one had decided on this thread."""
    held = hold(ari, instance.create_secret("orders:read"))
    assert held.authorize(ari.require("orders:read"), "/orders").refusal is None
    refusal = held.authorize(ari.require("orders:write"), "/orders").refusal
    assert refusal is not None
    held.finish(refusal.status, 5)
    assert instance.read_facts()[-1] == ("insufficient_scope", "GET", "/orders", 403)


def test_a_log_that_cannot_be_written_is_a_503(instance: GuardedInstance, ari: Ari) -> None:
    """And serves again once it can, whichever way."""
    secret = instance.create_secret()
    with instance.break_log():
        assert [send(ari, secret, method=method) for method in ("GET", "POST", "GET")] == [503] * 3
    assert [send(ari, secret) for _ in range(3)] == [200] * 3


def test_a_log_that_another_process_writes_is_waited_for_no_longer_than_allowed(
    instance: GuardedInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All threads together, not one after the other."""
    monkeypatch.setenv("ARI_USAGE_WAIT_SECONDS", "0.2")
    ari = Ari.local(instance.data_dir)
    secret = instance.create_secret()
    assert send(ari, secret) == 200
    begun = threading.Barrier(5)

    def wait_and_send(_: int) -> int:
        begun.wait()
        return send(ari, secret)

    with ThreadPoolExecutor(5) as threads, write_lock(instance.data_dir / "staging.lock"):
        assert list(threads.map(wait_and_send, range(5), timeout=4)) == [503] * 5
    ari.stop()


def test_an_undeclared_scope_is_a_fault_of_the_service(instance: GuardedInstance, ari: Ari) -> None:
    """The same on both ways."""
    assert send(ari, instance.create_secret(), "orders:delete") == 500


def test_a_sync_view_of_an_async_app_blocks_no_event_loop(instance: GuardedInstance, ari: Ari) -> None:
    """It is decided on the view's thread; its end, on the loop of the app, is written by another thread."""
    secret, own = instance.create_secret(), threading.get_ident()
    writers: list[int] = []

    async def serve() -> None:
        held = hold(ari, secret)
        admission = await asyncio.to_thread(held.authorize, ari.require("orders:read"), "/orders")
        assert admission.runs_at_once
        finish = admission.finish

        async def note(status: int, length: int | None) -> Any:
            writers.append(threading.get_ident())
            return await finish(status, length)

        admission.finish = note  # type: ignore[method-assign]  # watched
        assert await held.finish_async(200, 5) is None

    asyncio.run(serve())
    assert own not in writers
    assert len(writers) == 1
    assert len(instance.read_rows()) == 2


def test_a_stopped_guard_opens_again(instance: GuardedInstance, ari: Ari) -> None:
    """A request that was decided before gets a 503, since nothing can log it."""
    secret = instance.create_secret()
    held = hold(ari, secret)
    held.authorize(ari.require("orders:read"), "/orders")
    ari.stop()
    refusal = held.finish(200, 5)
    assert refusal is not None
    assert refusal.status == 503
    assert [send(ari, secret) for _ in range(3)] == [200] * 3


def test_threads_use_no_engine_of_another_event_loop(instance: GuardedInstance) -> None:
    """It may end while they use it. What another loop opens and closes leaves theirs alone."""
    ari, secret = Ari.local(instance.data_dir), instance.create_secret()

    async def open_and_close() -> None:
        await ari.open()
        on_own_thread.append(await asyncio.to_thread(is_decided_on_own_thread))
        await ari.close()

    def is_decided_on_own_thread() -> bool:
        held = hold(ari, secret)
        found = held.authorize(ari.require("orders:read"), "/orders").runs_at_once
        assert held.finish(200, 5) is None
        return found

    on_own_thread: list[bool] = []
    asyncio.run(open_and_close())
    asyncio.run(open_and_close())
    assert on_own_thread == [False, True]
    assert is_decided_on_own_thread()
    ari.stop()
