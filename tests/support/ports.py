"""Free ports, below the range from which the kernel takes the ports of outgoing connections."""

import random
import socket

FIRST, LAST = 15_000, 30_000
_random = random.SystemRandom()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on; random, since other test runs choose at the same time."""
    for _ in range(200):
        port = _random.randrange(FIRST, LAST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")
