"""One deadline for a whole exchange with the collector: at it, the connection is shut down, whatever it does then.

``http.client`` reads any number of ``100 Continue``, and a timeout of a socket begins again with each byte.
"""

import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from threading import Lock, Timer, local
from typing import Any, Self

from requests.adapters import HTTPAdapter

_CONNECTION = "ConnectionCls"
_NO_LINGER = struct.pack("ii", 1, 0)
"""Unsent and unread data is dropped, and a collector that is still sending gets an error."""
_current = local()


class Exchange:
    """Cuts the connections that this thread uses within the block, once it has lasted ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self.is_cut = False
        self._handles: list[socket.socket] = []
        self._lock = Lock()
        self._timer = Timer(seconds, self._cut)
        self._timer.name, self._timer.daemon = "ari traces deadline", True

    def __enter__(self) -> Self:
        _current.exchange = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        _current.exchange = None
        with self._lock:
            while self._handles:
                self._handles.pop().close()

    def watch(self, connection: socket.socket) -> None:
        """Cut this one too. It is known by a second descriptor, because TLS takes the first one away."""
        handle = socket.socket(fileno=os.dup(connection.fileno()))
        with self._lock:
            self._handles.append(handle)
            if self.is_cut:
                _shut(handle)

    def _cut(self) -> None:
        with self._lock:
            self.is_cut = True
            for handle in self._handles:
                _shut(handle)


class CuttingAdapter(HTTPAdapter):
    """Connects so that an ``Exchange`` can cut the connection, with or without TLS and proxies."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """The pool for a request; its connections can be cut."""
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        if _CONNECTION not in vars(pool):
            setattr(pool, _CONNECTION, _make_cuttable(pool.ConnectionCls))
        return pool


def _shut(handle: socket.socket) -> None:
    with suppress(OSError):
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        handle.shutdown(socket.SHUT_RDWR)


def _watch(connection: socket.socket) -> None:
    exchange: Exchange | None = getattr(_current, "exchange", None)
    if exchange is not None:
        exchange.watch(connection)


@lru_cache(maxsize=8)
def _make_cuttable(kind: Any) -> type:
    """The class of connections, of which new and kept ones are watched."""

    def connect(self: Any) -> socket.socket:
        made: socket.socket = kind._new_conn(self)  # before TLS, whose handshake can be slow as well
        _watch(made)
        return made

    def request(self: Any, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            _watch(self.sock)
        kind.request(self, *args, **kwargs)

    members: dict[str, Callable[..., Any]] = {"_new_conn": connect, "request": request}
    return type(f"Cuttable{kind.__name__}", (kind,), members)
