"""The report of a process: where its threads are and what they wait for, without any value of a variable."""

import asyncio
import inspect
import json
import socket
import threading

import pytest

from ari.serving.live_report import MAX_REQUESTS, LiveReporter, describe_stack, measure_loop


def test_a_report_lists_the_longest_requests_and_all_threads() -> None:
    """A bounded number of requests, oldest first."""
    requests = [("GET", f"/{number}", "req_1", float(number)) for number in range(MAX_REQUESTS + 5)]
    reporter = LiveReporter(lambda: requests, lambda: {"watch usage": 3})
    reports: list[dict[str, object]] = []
    thread = threading.Thread(target=lambda: reports.append(reporter.make_report()))
    thread.start()
    thread.join()
    [report] = reports
    assert report["requests_in_progress"] == MAX_REQUESTS + 5
    assert report["failing_jobs"] == {"watch usage": 3}
    listed = report["requests"]
    assert isinstance(listed, list)
    assert [one["route"] for one in listed[:2]] == [f"/{MAX_REQUESTS + 4}", f"/{MAX_REQUESTS + 3}"]
    assert len(listed) == MAX_REQUESTS
    threads = report["threads"]
    assert isinstance(threads, list)
    assert "main" in [one["name"] for one in threads]
    json.dumps(report)


def test_a_connection_that_fails_is_followed_by_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without a free file descriptor would try without end, and use a core for it."""
    paused: list[float] = []

    class Ended(Exception): ...

    def pause(seconds: float) -> None:
        paused.append(seconds)
        if len(paused) == 3:
            raise Ended

    monkeypatch.setattr("ari.serving.live_report.time.sleep", pause)
    listener = socket.socket()
    listener.close()
    with pytest.raises(Ended):
        LiveReporter(list).run(listener)
    assert min(paused) > 0


def test_a_stack_shows_no_values() -> None:
    """Only files and names of functions."""
    secret = "ari_live_secret"
    frame = inspect.currentframe()
    assert frame is not None
    found = describe_stack(frame)
    assert found == {"at": None, "waits_for": None}
    assert secret not in json.dumps(found)


def test_a_blocked_loop_is_noticed() -> None:
    """A loop that runs responds; one that doesn't, or was closed, does not."""
    loop = asyncio.new_event_loop()
    assert measure_loop(loop, 0) is None
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    assert measure_loop(loop, 20) is not None
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    assert measure_loop(loop) is None
