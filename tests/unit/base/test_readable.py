"""A process with thousands of connections reads as any other."""

import fcntl
import os
import resource
import socket

import pytest

from ari.base.readable import is_readable


def test_what_can_be_read() -> None:
    """Also the end of the other side; closed places are errors."""
    one, other = socket.socketpair()
    assert not is_readable(one)
    assert not is_readable(one, 0.001)
    other.sendall(b"x")
    assert is_readable(one, None)
    one.recv(1)
    other.close()
    assert is_readable(one)
    one.close()
    with pytest.raises((OSError, ValueError)):
        is_readable(one)


def test_descriptors_above_1023() -> None:
    """``select`` refuses them, and a commit of the usage log would fail."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limit[0], 4_096), limit[1]))
    reader, writer = os.pipe()
    try:
        high = fcntl.fcntl(reader, fcntl.F_DUPFD_CLOEXEC, 2_000)
        assert high >= 2_000
        assert not is_readable(high)
        os.write(writer, b"x")
        assert is_readable(high)
        os.close(high)
    finally:
        os.close(reader)
        os.close(writer)
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
