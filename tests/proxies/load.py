"""Load on a proxy while something happens to ARI."""

import threading
from contextlib import suppress
from http.client import HTTPException

from tests.proxies.harness import Caller, Proxied
from tests.support.processes import eventually


class Load:
    """Threads that repeat one request for each path, each with its own key, until the block ends."""

    def __init__(self, proxied: Proxied, keys: dict[str, str | None]) -> None:
        self._proxied = proxied
        self._keys = keys
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._repeat, args=(path,), daemon=True) for path in keys]
        self.statuses: dict[str, set[int]] = {path: set() for path in keys}
        self._latest: dict[str, list[int]] = {path: [] for path in keys}

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, path: str, status: int) -> None:
        """Until a request that begins from now on gets this status."""
        self._latest[path].clear()
        eventually(lambda: status in self._latest[path][1:])

    def _repeat(self, path: str) -> None:
        while not self._done.is_set():
            caller = Caller(self._proxied.port, self._proxied.tls)
            with suppress(OSError, HTTPException):
                while not self._done.is_set():
                    status = caller("GET", path, self._keys[path]).status
                    self.statuses[path].add(status)
                    self._latest[path].append(status)
            caller.close()


class LoadBehavior:
    """The checks that need several clients; a subclass's module has the fixture ``proxied``."""

    def test_identities_of_clients_are_not_mixed(self, proxied: Proxied) -> None:
        """Clients with good keys, a key without the scope and none, at the same time: each gets its own verdict."""
        keys = dict(proxied.create_key(f"client {number}") for number in range(4))
        owners = {f"/orders/{key_id}": key_id for key_id in keys}
        sent: dict[str, str | None] = {path: keys[key_id] for path, key_id in owners.items()}
        _, narrow = proxied.create_key("other scope", "reports:read")
        load = Load(proxied, sent | {"/orders/narrow": narrow, "/orders/none": None})
        with load:
            for path in (*owners, *owners, "/orders/narrow", "/orders/none"):
                load.wait_for(path, 200 if path in owners else 403 if path == "/orders/narrow" else 401)
        for path, statuses in load.statuses.items():
            # 503: no verdict in time, on a busy machine.
            assert statuses <= {200 if path in owners else 403 if path == "/orders/narrow" else 401, 503}
        received = list(proxied.upstream.received)
        assert {(one.target, *one.values("X-Ari-Key-Id")) for one in received} == set(owners.items())
