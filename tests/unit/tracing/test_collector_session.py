"""Responses of a collector can't use much memory or time, and no loss of spans counts as a success."""

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from ari.tracing import collector_session
from ari.tracing.collector_session import CollectorFault, CollectorSession

OK = b"HTTP/1.1 200 OK\r\n"
BOMB = gzip.compress(bytes(100_000_000))


@contextmanager
def collector(*parts: bytes, endless: bytes = b"", pause: float = 0) -> Iterator[str]:
    """Responds to one request with these bytes, then with ``endless``, after pauses, until the client hangs up."""
    never = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.recv(65_536)
                for part in parts:
                    connection.sendall(part)
                while endless and not never.wait(pause):
                    connection.sendall(endless)
                connection.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1/traces"
        thread.join(10)
        assert not thread.is_alive(), "the client hung up"


def export(url: str, seconds: float = 5) -> requests.Response:
    with CollectorSession() as session:
        return session.post(url, b"spans", timeout=seconds, allow_redirects=False)


def _with_length(body: bytes, *headers: bytes, status: bytes = OK) -> bytes:
    return status + b"".join(one + b"\r\n" for one in (*headers, b"content-length: %d" % len(body))) + b"\r\n" + body


def test_a_response_is_a_success() -> None:
    """With or without a body, and with one that isn't a message of OTLP."""
    for body in (b"", b"{}", b"\xff\xff", ExportTraceServiceResponse().SerializeToString()):
        with collector(_with_length(body, b"content-type: application/x-protobuf")) as url:
            assert export(url).status_code == 200


def test_no_cookie_is_kept() -> None:
    """Each response could add megabytes, and each request would send them back."""
    cookies = [b"set-cookie: c%d=%s; path=/" % (number, b"b" * 1_000) for number in range(9)]
    with collector(_with_length(b"", *cookies)) as url, CollectorSession() as session:
        assert session.post(url, b"spans", timeout=5).status_code == 200
        assert len(session.cookies) == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 399])
def test_a_redirect_is_a_failure(status: int) -> None:
    """It isn't followed: the spans and the credential would go where nobody said."""
    head = b"HTTP/1.1 %d X\r\nlocation: http://127.0.0.1:9/\r\ncontent-encoding: gzip\r\n" % status
    with (
        collector(_with_length(BOMB, status=head)) as url,
        pytest.raises(CollectorFault, match=f"{status}, a redirect"),
    ):
        export(url)


def test_a_compressed_body_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred megabytes arrive as a hundred kilobytes."""
    monkeypatch.setattr(collector_session, "MAX_BODY_BYTES", len(BOMB) + 1)
    with collector(_with_length(BOMB, b"content-encoding: gzip", b"content-type: application/x-protobuf")) as url:
        assert export(url).status_code == 200


@pytest.mark.parametrize("head", [b"\r\n", b"transfer-encoding: chunked\r\n\r\n"])
def test_a_body_without_end_is_not_read(head: bytes) -> None:
    """Its start is enough to know that it is no response to spans."""
    endless = b"x" * 4_096 if head == b"\r\n" else b"1000\r\n" + b"x" * 4_096 + b"\r\n"
    with collector(OK + head, endless=endless) as url, pytest.raises(CollectorFault, match="too long"):
        export(url)


def test_a_slow_body_is_not_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part may come in time, and the whole never end."""
    monkeypatch.setattr(collector_session, "READ_SECONDS", -1.0)
    with collector(OK + b"\r\n", b"x") as url, pytest.raises(CollectorFault, match="too slow"):
        export(url)


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize(
    ("start", "endless", "pause"),
    [
        (b"HTTP/1.1 2", b"0", 0.05),
        (OK + b"x: ", b"a", 0.05),
        (CONTINUE, CONTINUE, 0.05),
        (CONTINUE, CONTINUE * 2_000, 0),
        (OK + b"content-length: 1000\r\n\r\n", b"a", 0.05),
        (OK + b"transfer-encoding: chunked\r\n\r\n", b"1\r\na\r\n", 0.05),
    ],
    ids=["status", "head", "slow_100", "endless_100", "body", "chunks"],
)
def test_a_response_that_goes_on_is_cut(start: bytes, endless: bytes, pause: float) -> None:
    """Each byte comes in time, and the thread that sends spans would wait for ever."""
    with (
        collector(start, endless=endless, pause=pause) as url,
        pytest.raises(CollectorFault, match="in time"),
    ):
        export(url, 0.4)


def test_a_handshake_that_goes_on_is_cut() -> None:
    """TLS has begun by then, so the connection has another object."""
    record = b"\x16\x03\x03\x40\x00"
    with (
        collector(record, endless=b"\x00", pause=0.05) as url,
        pytest.raises(CollectorFault, match="in time"),
    ):
        export(url.replace("http://", "https://"), 0.4)


def test_a_connection_that_was_kept_is_cut_as_well() -> None:
    """The second request doesn't connect."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server, CollectorSession() as session:

        def serve() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.recv(65_536)
                connection.sendall(_with_length(b""))
                while not done.wait(0.05):
                    connection.sendall(CONTINUE)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        assert session.post(url, b"spans", timeout=5).status_code == 200
        with pytest.raises(CollectorFault, match="in time"):
            session.post(url, b"spans", timeout=0.4)
        thread.join(10)
        assert not thread.is_alive(), "the client hung up"


def test_a_body_that_is_cut_off_is_a_failure() -> None:
    """The collector may have died before it stored the spans."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(OK + b"content-length: 99\r\n\r\nx")

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(CollectorFault, match="cut off"):
            export(f"http://127.0.0.1:{server.getsockname()[1]}/")


def test_rejected_spans_and_web_pages_are_failures() -> None:
    """Both come with status 200."""
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = 3
    response.partial_success.error_message = "hunter2"
    with (
        collector(_with_length(response.SerializeToString(), b"content-type: application/x-protobuf")) as url,
        pytest.raises(CollectorFault, match=r"rejected 3 spans\Z"),  # without its sentence
    ):
        export(url)
    with (
        collector(_with_length(b"<html>", b"content-type: text/html; charset=utf-8")) as url,
        pytest.raises(CollectorFault, match="web page"),
    ):
        export(url)


def test_other_statuses_are_left_to_the_library() -> None:
    """It repeats some of them; their bodies are never read."""
    with collector(b"HTTP/1.1 503 X\r\nretry-after: 7\r\n\r\n", endless=b"x" * 4_096) as url:
        response = export(url)
    assert (response.status_code, response.headers["retry-after"]) == (503, "7")
