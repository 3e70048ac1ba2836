"""``Ari``: the instance that verifies the keys of a service, as the service's code names it."""

from collections.abc import Coroutine, Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from ari.base.addresses import Network
from ari.base.clock import Clock
from ari.base.errors import ConfigurationError
from ari.guard.backend import Admission, Backend, GuardRequest
from ari.guard.local import LocalBackend
from ari.guard.loop_thread import LoopThread
from ari.guard.remote import RemoteBackend
from ari.guard.requirement import Requirement, make_requirement

T = TypeVar("T")


class Ari:
    """Verifies requests by one back end. Make it once, where the app is made; it opens nothing until it is used.

    Each framework's module has its own subclass, with a method ``key`` in that framework's words.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._scopes: dict[str, None] = {}
        self._thread = LoopThread(self.close)

    @classmethod
    def local(
        cls,
        data_dir: str | Path | None = None,
        database_url: str | None = None,
        *,
        trusted_proxies: Iterable[str] = (),
    ) -> Self:
        """Verify in this process, on the data of an instance that ``ari serve`` made.

        Without arguments the environment says where it is (``ARI_DATA_DIR``, ``ARI_DATABASE_URL``), like all settings.
        ``trusted_proxies`` are addresses or networks whose ``X-Forwarded-For`` counts; leave it out if the ASGI or WSGI
        server reads that header already.
        """
        folder = None if data_dir is None else Path(data_dir)
        return cls(LocalBackend(folder, database_url, _parse_networks(trusted_proxies)))

    @classmethod
    def remote(
        cls,
        url: str,
        *,
        key: str,
        timeout_seconds: float = 2.0,
        on_unavailable: Literal["refuse", "allow"] = "refuse",
        staleness_seconds: float | None = None,
        trusted_proxies: Iterable[str] = (),
    ) -> Self:
        """Ask the instance at ``url``, with a ``key`` that has the scope ``keys:verify``.

        An instance that doesn't respond within ``timeout_seconds`` is unavailable: requests then get a 503, or with
        ``on_unavailable="allow"`` pass with an unverified key, which is logged. With ``staleness_seconds`` an accepted
        key is accepted that long without asking, and without a row in the usage log; a revoked key too.
        """
        proxies = _parse_networks(trusted_proxies)
        return cls(RemoteBackend(url, key, timeout_seconds, on_unavailable, staleness_seconds, proxies))

    def require(
        self, *scopes: str, any_key: bool = False, cost: int = 1, limits: Sequence[str] | None = None
    ) -> Requirement:
        """Make the requirement of a route: all these scopes, or any active key. Raises ``ConfigurationError``."""
        requirement = make_requirement(scopes, any_key=any_key, cost=cost, limits=limits)
        self._backend.check(requirement)
        self._scopes.update(dict.fromkeys(scopes))
        return requirement

    def find_requirement(self, scope: MutableMapping[str, Any]) -> tuple[Requirement, str | None] | None:  # noqa: ARG002 - of subclasses
        """The requirement and template of an ASGI scope's route, where the framework knows them in advance."""
        return None

    @property
    def clock(self) -> Clock:
        """The clock of the back end, for ``read_request``."""
        return self._backend.clock

    @property
    def trusted_proxies(self) -> Sequence[Network]:
        """The proxies whose ``X-Forwarded-For`` counts, for ``read_request``."""
        return self._backend.trusted_proxies

    async def open(self) -> None:
        """Open connections for the running event loop, so that a wrong setting stops the start.

        Raises ``ConfigurationError``. Without it they are opened by the first request.
        """
        await self._backend.open(tuple(self._scopes))

    async def admit(self, request: GuardRequest) -> Admission:
        """Decide about a request; see ``Backend.admit``."""
        return await self._backend.admit(request)

    def admit_at_once(self, request: GuardRequest) -> Admission | None:
        """Decide about a request on the calling thread, if that is possible; see ``Backend.admit_at_once``."""
        loop = self._thread.loop
        return None if loop is None else self._backend.admit_at_once(request, loop)

    async def close(self) -> None:
        """Write what is still buffered, and close the connections of the running event loop."""
        await self._backend.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of this object on its own event loop, for code without one, such as a WSGI app."""
        return self._thread.run(work)

    async def run_async(self, work: Coroutine[Any, Any, T]) -> T:
        """Likewise, for code on an event loop that may end before the process does, such as an async view of Django."""
        return await self._thread.run_async(work)

    def find_missing_data(self) -> Path | None:
        """The data directory, if there is no instance in it yet. Raises ``ConfigurationError`` for wrong settings."""
        return self._backend.find_missing_data()

    def stop(self) -> None:
        """Close what ``run`` opened. Done at the end of the process in any case."""
        self._thread.stop()

    @contextmanager
    def replace_backend(self, backend: Backend) -> Iterator[None]:
        """Use another back end inside the ``with`` block; ``ari.guard.testing`` does."""
        before, self._backend = self._backend, backend
        try:
            yield
        finally:
            self._backend = before


def _parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    try:
        found = tuple(ip_network(text, strict=False) for text in texts)
    except ValueError as error:
        raise ConfigurationError(f"trusted_proxies: {error}.") from None
    if any(network.prefixlen == 0 for network in found):
        raise ConfigurationError("trusted_proxies: don't trust every address; anyone could forge their IP address.")
    return found
