"""HTTP as bytes on a socket, for requests that no client library would send."""

import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class RawAnswer:
    """What came back."""

    status: int
    headers: dict[str, list[str]]
    body: bytes


def send(port: int, request: bytes, timeout_seconds: float = 10) -> RawAnswer | None:
    """Send bytes and read one response until the server closes or its length is reached; ``None``: closed before it."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_seconds) as connection:
        connection.sendall(request)
        received = b""
        try:
            while not _is_whole(received):
                chunk = connection.recv(65536)
                if not chunk:
                    break
                received += chunk
        except (TimeoutError, ConnectionResetError):
            pass
    return _parse(received) if received else None


def get(port: int, target: bytes, *headers: bytes, host: bytes | None = None) -> RawAnswer:
    """GET with the target and header lines as they are."""
    return request(port, b"GET", target, *headers, host=host)


def request(
    port: int, method: bytes, target: bytes, *headers: bytes, host: bytes | None = None, body: bytes = b""
) -> RawAnswer:
    """A request with the target and header lines as they are; ``host`` b"" sends no Host."""
    own = f"127.0.0.1:{port}".encode() if host is None else host
    lines = [method + b" " + target + b" HTTP/1.1", *([b"host: " + own] if own else []), *headers]
    answer = send(port, b"\r\n".join([*lines, b"connection: close", b"", body]))
    assert answer is not None, "the server closed the connection without an answer"
    return answer


def _is_whole(received: bytes) -> bool:
    _, found, body = received.partition(b"\r\n\r\n")
    if not found:
        return False
    answer = _parse(received)
    if answer.status in (204, 304):
        return True
    length = answer.headers.get("content-length")
    return length is not None and len(body) >= int(length[0])


def _parse(received: bytes) -> RawAnswer:
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers.setdefault(name.decode().lower(), []).append(value.strip().decode("latin-1"))
    return RawAnswer(int(first.split()[1]), headers, body)
