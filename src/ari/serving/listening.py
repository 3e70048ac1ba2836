"""Sockets that the parent process opens, so that connections wait while a worker is replaced."""

import socket

from ari.base.errors import ConfigurationError

UNREAD_SECONDS = 30
"""How long a client may leave a response unread before its connection is closed."""


class Listener:
    """A socket on ``host`` and ``port``, bound but not listening yet.

    ``setting`` and ``remedy`` are for people. Raises ``ConfigurationError``, as ``listen`` does.
    """

    def __init__(self, host: str, port: int, setting: str, remedy: str) -> None:
        self._place = f"{host} port {port}"
        self._remedy = remedy
        try:
            self.socket = _bind(host, port)
        except OSError as error:
            raise self._explain(error) from None
        except UnicodeError:
            raise ConfigurationError(f"{setting}: isn't a valid host name; use an address such as 127.0.0.1.") from None

    def listen(self, backlog: int) -> None:
        """Accept connections from now on."""
        try:
            self.socket.listen(backlog)
        except OSError as error:
            raise self._explain(error) from None

    def _explain(self, error: OSError) -> ConfigurationError:
        reason = (error.strerror or "can't be used").lower()
        return ConfigurationError(f"Can't listen on {self._place}: {reason}. {self._remedy}")


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; connections inherit it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)
    try:
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener
