"""The load generators' requests and results are read as they are."""

import re
import select
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from benchmarks import load, paced, traffic
from tests.support.missing import skip_missing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark needs Linux")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
WRK = """Running 1s test @ http://127.0.0.1:1/
  64 connections
RESULT {"requests": 1000, "microseconds": 2000000, "refused": 100, "broken": 4, "p50_us": 900, "p99_us": 4000}
"""


def test_the_result_of_wrk_is_found_among_its_words() -> None:
    """Rates count only responses of the kind expected."""
    found = load.parse_wrk(WRK)
    assert (found.rate, found.rate_of(200), found.rate_of(401)) == (500, 450, 50)
    assert found.error_share(200) == pytest.approx(104 / 1004)
    assert found.error_share(401) == pytest.approx(904 / 1004)


def test_no_result_of_wrk_is_an_error() -> None:
    """A run that printed no result is never a figure."""
    with pytest.raises(ValueError, match="unable to connect"):
        load.parse_wrk("unable to connect to 127.0.0.1:1")


def test_a_message_is_a_whole_request() -> None:
    """A body brings its length and kind."""
    assert load.message(1, "/x", {"a": "b"}) == b"GET /x HTTP/1.1\r\nHost: 127.0.0.1:1\r\na: b\r\n\r\n"
    posted = load.message(1, "/x", {}, "POST", b"{}")
    assert posted.endswith(b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")


@pytest.mark.parametrize("length", range(len(ANSWER)))
def test_a_part_of_a_response_is_not_a_response(length: int) -> None:
    """However a response is cut on its way, only the whole one counts."""
    assert not paced.complete(ANSWER[:length])
    assert paced.complete(ANSWER)


def test_percentiles_are_values_that_were_seen() -> None:
    """In µs, and 0 where nothing was seen."""
    seconds = [number / 1e6 for number in range(1, 101)]
    assert (round(paced.percentile(seconds, 50)), round(paced.percentile(seconds, 99))) == (51, 99)
    assert paced.percentile([], 99) == 0


@contextmanager
def serving(seen: list[bytes]) -> Iterator[int]:
    """The port of a server that responds to each request on any number of connections, and keeps the requests."""

    def serve(connection: socket.socket) -> None:
        with connection, suppress(ConnectionError):  # wrk resets its connections at the end
            while received := connection.recv(65536):
                seen.append(received)
                connection.sendall(ANSWER)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(connection,)))
            threads[-1].start()

    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        accepting = threading.Thread(target=accept)
        accepting.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    accepting.join()
    for thread in threads:
        thread.join()


def test_the_paced_client_counts_every_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests leave by the clock over several connections; all get a response and no two are the same."""
    monkeypatch.setattr(paced, "CONNECTIONS", 4)
    seen: list[bytes] = []
    with serving(seen) as port:
        messages = traffic.vary([load.message(port, "/", {})], count=3)
        found = paced.main(port, messages, rate=200, seconds=0.5)
    assert len(set(seen)) == len(seen) == 100
    assert found["refused"] == 0
    assert found["rate"] > 0
    assert 0 < found["p50_us"] <= found["p99_us"]


def test_the_paced_client_sleeps_while_nothing_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server on its core would otherwise wait for the end of its time slice, which is no delay of the server."""
    monkeypatch.setattr(paced, "CONNECTIONS", 4)
    slept: list[float] = []

    def sleep(readers: list[Any], _: list[Any], __: list[Any], seconds: float) -> None:
        slept.append(seconds)
        wait(readers, [], [], seconds)

    wait = select.select
    monkeypatch.setattr(select, "select", sleep)
    with serving([]) as port:
        paced.main(port, traffic.vary([load.message(port, "/", {})], count=3), rate=100, seconds=0.3)
    assert len(slept) >= 10
    assert max(slept) < 0.11


def test_wrk_sends_no_request_twice(tmp_path: Path) -> None:
    """Each request gets an ID of its own, also from a file with few messages."""
    if shutil.which("wrk") is None:
        skip_missing("wrk is not installed")
    seen: list[bytes] = []
    with serving(seen) as port:
        messages = traffic.vary([load.message(port, "/", {})], count=3)
        found = load.saturate(port, load.write_messages(tmp_path / "messages", messages), connections=2, seconds=1)
    ids = re.findall(rb"X-Request-Id: ([0-9a-f]{32})\r\n", b"".join(seen))
    assert len(ids) == len(set(ids)) >= found.requests > 3
    assert found.error_share(200) == 0
