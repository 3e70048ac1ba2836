"""A collector of syslog messages on loopback: octet counting (RFC 6587), with or without TLS."""

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MESSAGE = re.compile(rb"(\d+) ")


class Collector:
    """Takes connections, one after the other, and keeps their messages."""

    def __init__(self, certificate: Path | None, wants_client: bool = False) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.messages: list[bytes] = []
        self.connections = 0
        self._changed = threading.Condition()
        self._current: socket.socket | None = None
        self._ended = False
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
            if wants_client:
                self._context.verify_mode = ssl.CERT_REQUIRED
                self._context.load_verify_locations(certificate)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def wait_for(self, count: int) -> list[bytes]:
        """The messages, once there are so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.messages) >= count, 20), self.messages
            return list(self.messages)

    def hang_up(self) -> None:
        """End the current connection."""
        with self._changed:
            current, self._current = self._current, None
        if current is not None:
            with suppress(OSError):
                current.shutdown(socket.SHUT_RDWR)  # its own thread closes it

    def close(self) -> None:
        """Take no more connections."""
        self._ended = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self.hang_up()
        self._thread.join(20)
        self._listener.close()

    def _serve(self) -> None:
        while not self._ended:
            with suppress(OSError):
                plain, _ = self._listener.accept()
                with plain, self._secure(plain) as connection:
                    with self._changed:
                        self._current = connection
                        self.connections += 1
                    self._read(connection)

    def _secure(self, plain: socket.socket) -> socket.socket:
        return plain if self._context is None else self._context.wrap_socket(plain, server_side=True)

    def _read(self, connection: socket.socket) -> None:
        data = b""
        while piece := connection.recv(65536):
            data += piece
            while (found := _MESSAGE.match(data)) and len(data) >= found.end() + int(found[1]):
                end = found.end() + int(found[1])
                with self._changed:
                    self.messages.append(data[found.end() : end])
                    self._changed.notify_all()
                data = data[end:]


@contextmanager
def collecting(certificate: Path | None = None, *, wants_client: bool = False) -> Iterator[Collector]:
    """It serves until the block ends."""
    collector = Collector(certificate, wants_client)
    try:
        yield collector
    finally:
        collector.close()
