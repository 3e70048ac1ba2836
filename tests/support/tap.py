"""A relay in front of a server: remembers every byte that clients send, and can be silent or closed."""

import contextlib
import re
import socket
import threading

from tests.support.ports import free_port


class Tap:
    """Relays connections from ``port`` to ``target_port`` of 127.0.0.1.

    ``sent`` holds what clients sent, ``connections`` counts how often they connected. While ``flowing`` isn't set, the
    server gets nothing and clients wait. ``close()`` refuses connections until ``open()``.
    """

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self.target_port = target_port
        self.sent = bytearray()
        self.connections = 0
        self.flowing = threading.Event()
        self._closing = False
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._accepting: threading.Thread | None = None
        self._relaying: list[threading.Thread] = []

    def open(self) -> None:
        """Begin to listen."""
        self._closing = False
        self.flowing.set()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self._accepting = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Stop listening and end every connection; what was held back is lost."""
        self._closing = True
        self.flowing.set()
        if self._listener is not None and self._accepting is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._accepting.join()
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        for thread in self._relaying:
            thread.join()
        self._relaying.clear()

    def reset(self) -> None:
        """Forget what was sent; connections stay."""
        self.sent.clear()
        self.connections = 0

    def heads(self) -> list[str]:
        """The request lines that were sent; bodies must not hold lines like them."""
        return [line.decode() for line in re.findall(rb"[A-Z]+ \S+ HTTP/1\.1(?=\r\n)", self.sent)]

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                self.connections += 1
                try:
                    server = socket.create_connection(("127.0.0.1", self.target_port), 5)
                except OSError:
                    client.close()
                    continue
                server.settimeout(None)
                with self._lock:
                    self._open |= {client, server}
                thread = threading.Thread(target=self._relay, args=(client, server), daemon=True)
                self._relaying.append(thread)
                thread.start()

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        back = threading.Thread(target=self._pump, args=(server, client, None), daemon=True)
        back.start()
        self._pump(client, server, self.sent)
        back.join()
        with self._lock:
            self._open -= {client, server}
        client.close()
        server.close()

    def _pump(self, source: socket.socket, target: socket.socket, kept: bytearray | None) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65_536):
                if kept is not None:
                    kept += piece
                    self.flowing.wait()
                    if self._closing:
                        break
                target.sendall(piece)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
