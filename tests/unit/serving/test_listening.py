"""Sockets of the parent: errors name the setting to change."""

import socket

import pytest

from ari.base.errors import ConfigurationError
from ari.serving.listening import Listener


def test_a_taken_port_is_refused_with_a_remedy() -> None:
    """The operator reads which setting to change, rather than a stack trace."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1 port {port}: .+in use\. Set another\."):
            Listener("127.0.0.1", port, "ARI_METRICS_ADDRESS", "Set another.")


def test_connections_wait_from_listening_on() -> None:
    """Before that, the database is migrated, and clients are better refused than left waiting."""
    listener = Listener("127.0.0.1", 0, "ARI_HOST", "")
    address = listener.socket.getsockname()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 5)
    listener.listen(1)
    socket.create_connection(address, 5).close()
    listener.socket.close()


def test_a_host_that_is_no_name_is_refused() -> None:
    """Python's encoder of names raises an error of its own there."""
    with pytest.raises(ConfigurationError, match="ARI_HOST: isn't a valid host name"):
        Listener("a" * 70, 0, "ARI_HOST", "")
