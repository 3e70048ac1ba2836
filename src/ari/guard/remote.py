"""The remote back end: asks an instance over HTTP. Requests of one event-loop tick share a call of
``/api/verify/batch``."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import nullcontext
from hashlib import sha256
from http.cookiejar import CookieJar, DefaultCookiePolicy
from math import inf
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import msgspec

from ari.base.addresses import Network
from ari.base.clock import Clock, SystemClock, from_rfc3339
from ari.base.errors import ConfigurationError
from ari.base.extras import how_to_install
from ari.guard.backend import Admission, GuardRequest, refuse_all
from ari.guard.batch_items import ItemVerdict, RemoteAdmission, Verdicts, encode_item, method_of
from ari.guard.per_loop import PerLoop
from ari.guard.requirement import Requirement
from ari.guard.verified_key import UNVERIFIED, Key
from ari.http.problem import Fault
from ari.keys import token
from ari.keys.imports import foreign_tokens
from ari.keys.reasons import MALFORMED, UNAVAILABLE
from ari.usage.cleaning import clean

if TYPE_CHECKING:
    import httpx2

MAX_ITEMS = 100
MAX_BATCH_BYTES = 48 * 1024
"""Less than the body that ARI accepts, so that callers with long paths or keys refuse no other caller."""
_MAX_CONNECTIONS = 20
_MAX_FOREIGN_CALLS = 4
"""Calls at once with keys that were imported, so that slow ones leave connections for the others."""
_NO_TURN = nullcontext()
_MAX_RESPONSE_BYTES = 16 * 1024 * 1024
"""More than the verdicts of a batch can take."""
_IDLE_SECONDS = 5.0
"""ARI closes a connection that is idle for ten seconds."""
_MAX_STALE = 10_000
MAX_STALENESS_SECONDS = 3_600
_NO_CLIENT = f"Ari.remote() needs an HTTP client. {how_to_install('client')}"
_NO_STALE_LIMITS = (
    "staleness_seconds accepts keys without asking, so nothing would be consumed: leave out cost and limits, or "
    "staleness_seconds."
)
_log = logging.getLogger("ari.guard")


class QueuedItem(NamedTuple):
    """An encoded item, and the future of its request. ``is_foreign``: its key doesn't have the form of ARI's own."""

    item: bytes
    future: "asyncio.Future[ItemVerdict]"
    is_foreign: bool = False

    def __repr__(self) -> str:
        return "QueuedItem(…)"  # the item has the key


class InstanceFault(Exception):
    """The instance gave no verdict.

    ``is_down``: it can't be reached, is too slow, or fails. Only that may let requests pass. Anything else, such as a
    limit on the service's own key, could be brought about by callers, or is a wrong setting. ``is_unreachable``: no
    connection was made.
    """

    def __init__(self, sentence: str, *, is_down: bool = False, is_unreachable: bool = False) -> None:
        super().__init__(sentence)
        self.is_down = is_down
        self.is_unreachable = is_unreachable


class _StaleKey(NamedTuple):
    """An accepted key, until this monotonic time, but never past its own end."""

    key: Key
    until: float
    expires_ms: float


class _Connection:
    """The HTTP client of one event loop, and the requests that wait for the end of the tick."""

    def __init__(self, client: "httpx2.AsyncClient", timeout_seconds: float) -> None:
        self.client = client
        self._timeout_seconds = timeout_seconds
        self._waiting: list[QueuedItem] = []
        self._foreign_turns = asyncio.Semaphore(_MAX_FOREIGN_CALLS)
        self._calls: set[asyncio.Task[None]] = set()

    async def ask(self, item: bytes, *, is_foreign: bool = False) -> ItemVerdict:
        """The verdict on an encoded item. Raises ``InstanceFault``."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._launch)
        future: asyncio.Future[ItemVerdict] = loop.create_future()
        self._waiting.append(QueuedItem(item, future, is_foreign))
        return await future

    def _launch(self) -> None:
        """Checking an imported key may take seconds, and anybody can send a wrong one: those delay no other key."""
        waiting, self._waiting = self._waiting, []
        for is_foreign in (False, True):
            for batch in split_batches([one for one in waiting if one.is_foreign is is_foreign]):
                call = asyncio.ensure_future(self._call(batch, is_foreign))
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)

    async def _call(self, batch: Sequence[QueuedItem], is_foreign: bool) -> None:
        fault: InstanceFault | None = None
        verdicts: list[ItemVerdict] = []
        try:
            async with asyncio.timeout(self._timeout_seconds), self._foreign_turns if is_foreign else _NO_TURN:
                verdicts = await self._post(b'{"items":[' + b",".join(one.item for one in batch) + b"]}")
            if len(verdicts) != len(batch):
                fault = InstanceFault("The instance's response isn't a verdict on each key.")
        except InstanceFault as error:
            fault = error
        except TimeoutError:
            fault = InstanceFault(f"The instance didn't respond within {self._timeout_seconds:g} s.", is_down=True)
        except Exception as error:  # noqa: BLE001 - the HTTP client's errors, and whatever else: nothing is decided
            fault = InstanceFault(f"The instance can't be asked: {type(error).__name__}.")
        if is_foreign and fault is not None and not fault.is_unreachable:
            fault.is_down = False  # callers may have caused it
        for place, one in enumerate(batch):
            if one.future.done():
                continue
            if fault is None:
                one.future.set_result(verdicts[place])
            else:
                one.future.set_exception(fault)

    async def _post(self, body: bytes) -> list[ItemVerdict]:
        import httpx2  # noqa: PLC0415 - only the remote back end needs it

        try:
            try:
                status, content = await self._exchange(body)
            except httpx2.ConnectError:  # nothing was sent: an instance that restarts may listen again
                status, content = await self._exchange(body)
        except (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError) as error:
            sentence = f"The instance can't be reached: {type(error).__name__}."
            is_unreachable = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
            raise InstanceFault(sentence, is_down=True, is_unreachable=is_unreachable) from None
        if status == 200:
            try:
                return msgspec.json.decode(content, type=Verdicts).items
            except (msgspec.MsgspecError, RecursionError):
                raise InstanceFault("The response isn't that of an ARI instance.") from None
        code = _read_code(content)
        if status in (401, 403):
            raise InstanceFault(f"The instance refuses this service's own key: {code}. It needs the scope keys:verify.")
        raise InstanceFault(f"The instance responded with {status} {code}.", is_down=status >= 500)

    async def _exchange(self, body: bytes) -> tuple[int, bytes]:
        """Status and body of the response, which may be neither compressed nor endless."""
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        async with self.client.stream("POST", "/api/verify/batch", content=body, headers=headers) as response:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise InstanceFault("The instance's response is compressed.")
            content = bytearray()
            async for part in response.aiter_raw():
                content += part
                if len(content) > _MAX_RESPONSE_BYTES:
                    raise InstanceFault("The instance's response is too long.")
            return response.status_code, bytes(content)


class RemoteBackend:
    """Asks the instance at ``url`` with a key that has the scope ``keys:verify``."""

    def __init__(
        self,
        url: str,
        key: str,
        timeout_seconds: float,
        on_unavailable: str,
        staleness_seconds: float | None,
        trusted_proxies: Sequence[Network] = (),
    ) -> None:
        _check_arguments(url, key, timeout_seconds, on_unavailable, staleness_seconds)
        self.clock: Clock = SystemClock()
        self.trusted_proxies = trusted_proxies
        self.base_url = url.rstrip("/")
        self._public_url = self.base_url if url.startswith("https://") else None  # else a name in your own network
        self._key = key
        self._timeout_seconds = timeout_seconds
        self._allows = on_unavailable == "allow"
        self._staleness_seconds = staleness_seconds
        self._stale: dict[tuple[bytes, Requirement, str | None], _StaleKey] = {}
        self._connections = PerLoop(self._connect, _disconnect)

    def check(self, requirement: Requirement) -> None:
        if self._staleness_seconds is not None and (requirement.cost != 1 or requirement.limits is not None):
            raise ConfigurationError(_NO_STALE_LIMITS)

    def find_missing_data(self) -> None:
        """The data is the instance's."""

    async def open(self, scopes: Sequence[str] = ()) -> None:  # noqa: ARG002 - each request asks about its scopes
        await self._connections.get()

    async def close(self) -> None:
        await self._connections.close()

    def admit_at_once(self, request: GuardRequest, loop: asyncio.AbstractEventLoop) -> Admission | None:  # noqa: ARG002 - of other back ends
        return None

    async def admit(self, request: GuardRequest) -> Admission:
        admission = RemoteAdmission(request, self._public_url)
        if request.fault is not None:
            admission.refuse(request.fault)
            return admission
        text = request.credentials.tokens[0]
        if not _is_possible(text):
            admission.refuse(Fault(MALFORMED))
            return admission
        name = (sha256(text).digest(), request.requirement, request.client_address)
        stale = self._find_stale(name)
        if stale is not None:
            admission.key = stale
            return admission
        try:
            await self._ask(admission, text)
        except Exception as error:  # noqa: BLE001 - nothing is decided, whatever the reason
            _log.error("A key can't be verified, so it gets a 503: %s.", type(error).__name__)
            return refuse_all(request)
        key = admission.key
        if key is not None and key.verified and admission.decision is None:
            self._keep_stale(name, key)
        return admission

    async def _ask(self, admission: RemoteAdmission, text: bytes) -> None:
        request = admission.request
        try:
            connection = self._connections.find() or await self._connections.get()
            is_foreign = token.parse(text) is None
            verdict = await connection.ask(encode_item(request, text), is_foreign=is_foreign)
        except ConfigurationError as error:
            _log.error("%s", error)
            admission.refuse(Fault(UNAVAILABLE))
        except InstanceFault as fault:
            if self._allows and fault.is_down:
                _log.warning("Allowed without verification: %s %s. %s", method_of(request), request.route, fault)
                admission.key = UNVERIFIED
            else:
                (_log.warning if fault.is_down else _log.error)("A key can't be verified, so it gets a 503. %s", fault)
                admission.refuse(Fault(UNAVAILABLE))
        else:
            admission.apply(verdict)

    def _find_stale(self, name: tuple[bytes, Requirement, str | None]) -> Key | None:
        found = self._stale.get(name)
        if found is None or self.clock.monotonic() >= found.until or self.clock.now_ms() >= found.expires_ms:
            return None
        return found.key

    def _keep_stale(self, name: tuple[bytes, Requirement, str | None], key: Key) -> None:
        if self._staleness_seconds is None:
            return
        self._stale.pop(name, None)
        try:
            expires_ms = min((from_rfc3339(end) for end in (key.expires_at, key.secret_retires_at) if end), default=inf)
        except ValueError:
            return
        if len(self._stale) >= _MAX_STALE:
            del self._stale[next(iter(self._stale))]
        self._stale[name] = _StaleKey(key, self.clock.monotonic() + self._staleness_seconds, expires_ms)

    async def _connect(self) -> _Connection:
        try:
            import httpx2  # noqa: PLC0415 - only the remote back end needs it
        except ImportError as error:
            raise ConfigurationError(_NO_CLIENT) from error
        limits = httpx2.Limits(
            max_connections=_MAX_CONNECTIONS,
            max_keepalive_connections=_MAX_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
        )
        client = httpx2.AsyncClient(
            base_url=self.base_url,
            headers={"x-api-key": self._key},
            timeout=self._timeout_seconds,
            limits=limits,
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # none are kept
        )
        return _Connection(client, self._timeout_seconds)


def split_batches(waiting: Sequence[QueuedItem]) -> list[list[QueuedItem]]:
    """Batches of at most ``MAX_ITEMS`` items and ``MAX_BATCH_BYTES``, in order."""
    batches: list[list[QueuedItem]] = []
    size = MAX_BATCH_BYTES
    for one in waiting:
        size += len(one.item) + 1
        if size > MAX_BATCH_BYTES or len(batches[-1]) >= MAX_ITEMS:
            batches.append([])
            size = len(one.item) + 1
        batches[-1].append(one)
    return batches


def _is_possible(text: bytes) -> bool:
    """Whether the text may be a key: the instance decides; anything else needs no call."""
    return token.parse(text) is not None or foreign_tokens.is_possible(text)


def _read_code(content: bytes) -> str:
    try:
        return clean(str(msgspec.json.decode(content)["code"]), 40)
    except (msgspec.MsgspecError, KeyError, TypeError, RecursionError):
        return ""


async def _disconnect(connection: _Connection) -> None:
    await connection.client.aclose()


def _check_arguments(
    url: str, key: str, timeout_seconds: float, on_unavailable: str, staleness_seconds: float | None
) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ConfigurationError("Ari.remote: give the URL of an instance, such as https://keys.example.net.")
    if not key or not key.isascii() or not key.isprintable():
        raise ConfigurationError("Ari.remote: key must be an ARI API key with the scope keys:verify.")
    if on_unavailable not in ("refuse", "allow"):
        raise ConfigurationError('Ari.remote: on_unavailable must be "refuse" or "allow".')
    if not timeout_seconds > 0:
        raise ConfigurationError("Ari.remote: timeout_seconds must be more than 0.")
    if staleness_seconds is not None and not 0 < staleness_seconds <= MAX_STALENESS_SECONDS:
        raise ConfigurationError("Ari.remote: staleness_seconds must be more than 0, and at most 3600.")
