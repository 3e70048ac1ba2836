"""The private parts of granian that a worker relies on, because granian can't serve on a socket it didn't open."""

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from granian._granian import SocketHolder
from granian.server.common import AbstractServer
from granian.server.embed import Server

KNOWN: dict[Callable[..., Any], str] = {
    AbstractServer._init_shared_socket: """
        def _init_shared_socket(self):
            if self.bind_uds:
                self._ssp = UnixSocketSpec(str(self.bind_uds), self.backlog, self.uds_permissions)
            else:
                self._ssp = SocketSpec(self.bind_addr, self.bind_port, self.backlog)
                if sys.platform == 'linux':
                    self._ssp.build()
                    return
            self._shd = self._ssp.build()
            self._sfd = self._shd.get_fd()
            self._ssp = None
    """,
    Server.startup: """
        def startup(self, spawn_target, target_loader):
            logger.info('Starting granian (embedded)')
            self._init_shared_socket()
            proto = 'https' if self.ssl_ctx[0] else 'http'
            logger.info(f'Listening at: {proto}://{self._bind_addr_fmt}')

            load_env(self.env_files)
            self._call_hooks(self.hooks_startup)
            self._spawn_workers(spawn_target, target_loader)
    """,
}


@pytest.mark.parametrize("function", KNOWN, ids=lambda function: function.__qualname__)
def test_granian_opens_its_socket_as_before(function: Callable[..., Any]) -> None:
    """Fails if an upgrade of granian changes the methods that ``serving.worker`` replaces or relies on."""
    source = textwrap.dedent(inspect.getsource(function)).strip()
    assert source == textwrap.dedent(KNOWN[function]).strip(), (
        "granian changed how it opens its socket. Read the new code, adapt ari.serving.worker._Granian to it, check "
        "that tests/doors/test_workers.py and test_stopping.py pass, then copy the new source here."
    )


def test_granian_holds_a_socket_by_its_descriptor() -> None:
    """``SocketHolder(fd, uds, backlog)``, without ``backlog`` on some systems; its type stubs are incomplete."""
    assert SocketHolder.__text_signature__ in ("(fd, uds, backlog)", "(fd, uds)"), (
        "granian changed SocketHolder. Adapt ari.serving.worker._Granian, then this test."
    )
