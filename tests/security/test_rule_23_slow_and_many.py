"""Rule 23: slow clients and many of them do not keep verification from the others, and none is waited for for ever."""

import re
import resource
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ari.http import body
from ari.serving import listening, worker
from tests.support import raw

pytestmark = pytest.mark.slow

LIMITS = Path(__file__).parents[2] / "docs" / "reference" / "limits.md"
SILENT = 2_000
HALF_SENT = 2_000
# The same program, less patient: the tests below would take a minute otherwise.
IMPATIENT = """
from ari.http import body
from ari.serving import listening, worker
body.BODY_SECONDS = 1
worker.HEADER_SECONDS = 1
listening.UNREAD_SECONDS = 1
from ari.cli.main import main
main()
"""
# A usual start: few open files allowed, more to be had for the asking.
FEW_FILES = """
import re
import resource
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
from ari.cli.main import main
main()
"""
LONGEST_SECONDS = 25
"""Less than any of the real limits and what they add up to; none of the clients below may see it."""


@pytest.fixture
def many_files() -> Iterator[None]:
    """Room for the connections of the test in this process; the server must make room for itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = SILENT + HALF_SENT + 1_000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this machine allows a process {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=LONGEST_SECONDS)


def test_many_silent_and_half_sent_connections(make_owner: Callable[..., Any], many_files: None) -> None:
    """With 2,000 silent and 2,000 half-sent connections verification responds within a second, then all are closed."""
    owner = make_owner(workers=1, command=(sys.executable, "-c", FEW_FILES))
    _, secret = owner.create_key("k")
    port = owner.server.port
    with ExitStack() as open_ones:
        waiting = []
        for number in range(SILENT + HALF_SENT):
            waiting.append(open_ones.enter_context(_connect(port)))
            if number % 2:
                waiting[-1].sendall(b"GET /api/me HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-")
        request = _head(owner, "GET /api/me", f"x-api-key: {secret}")
        answers = [raw.send(port, request, timeout_seconds=1) for _ in range(10)]
        assert sum(answer is not None and answer.status == 200 for answer in answers) >= 9
        assert [connection.recv(1) for connection in waiting] == [b""] * len(waiting)


def test_the_limits_are_what_is_promised() -> None:
    """The time limits for heads, bodies and clients that read nothing are those of docs/reference/limits.md."""
    limits = LIMITS.read_text()
    for who, seconds in (
        ("ARI for a request's headers", worker.HEADER_SECONDS),
        ("ARI for a request's body", body.BODY_SECONDS),
        ("A connection whose client reads nothing (Linux)", listening.UNREAD_SECONDS),
    ):
        assert re.search(rf"^\| {re.escape(who)} \| {seconds} s\b", limits, re.MULTILINE), who


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server with the limits of the tests above cut to a second."""
    from tests.support.owner import start_owner
    from tests.support.server import ServerProcess

    folder = tmp_path_factory.mktemp("impatient") / "data"
    folder.mkdir(mode=0o700)
    owner: Any = start_owner(ServerProcess(folder, command=(sys.executable, "-c", IMPATIENT)))
    owner.secret = owner.create_key("admin", scopes=["*"])[1]
    yield owner
    owner.close()
    owner.server.kill()


def _until_closed(port: int, first: bytes, drop: bytes) -> bytes:
    """Send ``first``, then a drop every now and then, until the server closes; returns its response."""
    answer = b""
    deadline = time.monotonic() + LONGEST_SECONDS
    with _connect(port) as connection:
        connection.settimeout(0.1)
        try:
            connection.sendall(first)
            while time.monotonic() < deadline:
                try:
                    received = connection.recv(65536)
                    if not received:
                        return answer
                    answer += received
                except TimeoutError:
                    connection.sendall(drop)
        except (ConnectionResetError, BrokenPipeError):
            return answer
    raise AssertionError("the server kept the connection open")


def _head(owner: Any, line: str, *headers: str) -> bytes:
    lines = [line + " HTTP/1.1", f"host: 127.0.0.1:{owner.server.port}", *headers, "", ""]
    return "\r\n".join(lines).encode()


def test_a_slow_head_is_cut(impatient: Any) -> None:
    """The time is for the whole head, however busily it drips."""
    head = _head(impatient, "GET /api/me")[:-2]
    assert _until_closed(impatient.server.port, head, b"x-a: b\r\n") == b""


def test_a_silent_connection_is_closed(impatient: Any) -> None:
    """Before its first request and after it."""
    port = impatient.server.port
    assert _until_closed(port, b"", b"") == b""
    answer = _until_closed(port, _head(impatient, "GET /api/me", f"x-api-key: {impatient.secret}"), b"")
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("framing", ["content-length: 1000", "transfer-encoding: chunked"])
def test_a_slow_body_is_408(impatient: Any, framing: str) -> None:
    """The body has its time too; the response says so and the connection ends."""
    key = f"x-api-key: {impatient.secret}"
    head = _head(impatient, "POST /api/keys", key, "content-type: application/json", framing)
    drop = b" " if "length" in framing else b"1\r\n \r\n"
    answer = _until_closed(impatient.server.port, head, drop)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"request_timeout"' in answer


@pytest.mark.parametrize("key", ["", "x-api-key: wrong"])
def test_a_body_nobody_requested_is_not_waited_for(impatient: Any, key: str) -> None:
    """Callers without access are refused at once, not after the body."""
    head = _head(impatient, "POST /api/keys", *([key] if key else []), "content-length: 1000")
    assert _until_closed(impatient.server.port, head, b" ").startswith(b"HTTP/1.1 401 ")


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux cuts a client that does not read")
def test_a_client_that_reads_nothing_is_cut(impatient: Any) -> None:
    """Responses that nobody takes do not hold a connection for ever."""
    request = _head(impatient, "GET /api/openapi.json", f"x-api-key: {impatient.secret}")
    deadline = time.monotonic() + LONGEST_SECONDS
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", impatient.server.port))
        connection.settimeout(0.1)
        while time.monotonic() < deadline:
            try:
                connection.sendall(request)
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                return
    raise AssertionError("the server kept the connection open")
