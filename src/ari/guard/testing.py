"""Keys for the tests of a service: no instance, no database, no network.

::

    with fake_keys(ari) as keys:
        secret = keys.create("orders:read")
        assert client.get("/orders", headers={"x-api-key": secret}).status_code == 200
        assert keys.requests[0].route == "/orders"
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import msgspec

from ari.base.addresses import Network
from ari.base.clock import Clock, SystemClock, to_optional_rfc3339
from ari.base.errors import LimitExceeded
from ari.guard.backend import Admission, GuardRequest
from ari.guard.entry import Ari
from ari.guard.refusal import Refusal
from ari.guard.requirement import Requirement
from ari.guard.verified_key import Key, KeyConsumer
from ari.http.problem import Fault, fault_of
from ari.keys import token
from ari.keys.reasons import (
    ACCEPTED,
    EXPIRED,
    INSUFFICIENT_SCOPE,
    MALFORMED,
    REASONS,
    REVOKED,
    UNAVAILABLE,
    UNKNOWN,
    Reason,
)

__all__ = ["FakeKeys", "GuardedCall", "fake_keys"]


class GuardedCall(msgspec.Struct, frozen=True):
    """A request that reached a guard. ``code`` is ``ok`` or the refusal's; ``key`` is ``None`` for an unknown one."""

    method: str
    route: str
    path: str
    status: int
    code: str
    key: Key | None


class FakeKeys:
    """A back end whose keys are in memory. Scopes need no declaration, and keys have no limits of their own.

    ``requests`` are those that got a response, oldest first.
    """

    def __init__(self) -> None:
        self.clock: Clock = SystemClock()
        self.trusted_proxies: Sequence[Network] = ()
        self.requests: list[GuardedCall] = []
        self._keys: dict[bytes, Key] = {}
        self._refused: dict[bytes, Reason] = {}
        self._ends_ms: dict[bytes, int] = {}
        self._refusing: Reason | None = None

    def create(
        self,
        *scopes: str,
        name: str = "test key",
        consumer: KeyConsumer | str | None = None,
        tags: tuple[str, ...] = (),
        metadata: dict[str, Any] | None = None,
        environment: str = "test",
        expires_at: datetime | None = None,
    ) -> str:
        """A key with these scopes, until ``expires_at``. Returns its secret, to send.

        A text for ``consumer`` is its external ID.
        """
        secret = token.mint()
        expires_at_ms = None if expires_at is None else int(expires_at.timestamp() * 1000)
        if isinstance(consumer, str):
            consumer = KeyConsumer(id=f"con_{consumer}", name=consumer, external_id=consumer)
        self._keys[secret.encode()] = Key(
            id=f"key_{len(self._keys) + 1}",
            name=name,
            hint=f"{secret[:10]}…{secret[-4:]}",
            scopes=scopes,
            expires_at=to_optional_rfc3339(expires_at_ms),
            consumer=consumer,
            tags=tags,
            metadata=metadata or {},
            environment=environment,
        )
        if expires_at_ms is not None:
            self._ends_ms[secret.encode()] = expires_at_ms
        return secret

    def revoke(self, secret: str) -> None:
        """Refuse this key from now on with ``revoked``."""
        self._refused[secret.encode()] = REVOKED

    def expire(self, secret: str) -> None:
        """Refuse this key from now on with ``expired``."""
        self._refused[secret.encode()] = EXPIRED

    @contextmanager
    def refuse_all(self, code: str = "unavailable") -> Iterator[None]:
        """Refuse every request inside the ``with`` block, such as with ``unavailable`` or ``rate_limited``."""
        self._refusing = REASONS[code]
        try:
            yield
        finally:
            self._refusing = None

    async def open(self, scopes: Sequence[str] = ()) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    def check(self, requirement: Requirement) -> None:
        """Every requirement can be kept."""

    def find_missing_data(self) -> None:
        """Fake keys need none."""

    def admit_at_once(self, request: GuardRequest, loop: asyncio.AbstractEventLoop) -> Admission | None:  # noqa: ARG002 - of other back ends
        return None

    async def admit(self, request: GuardRequest) -> Admission:
        admission = _FakeAdmission(request, self)
        text = request.tokens[0] if request.tokens else b""
        key = self._keys.get(text)
        admission.known = key
        fault = request.fault or self._find_fault(text, key, request.requirement)
        if fault is None:
            admission.key = key
        else:
            admission.refuse(fault)
        return admission

    def _find_fault(self, text: bytes, key: Key | None, requirement: Requirement) -> Fault | None:
        if self._refusing is not None:
            if self._refusing.status == 429:
                return fault_of(LimitExceeded(self._refusing.code, "default", 1))
            return Fault(self._refusing, retry_after_seconds=1 if self._refusing is UNAVAILABLE else None)
        if key is None:
            return Fault(MALFORMED if token.parse(text) is None else UNKNOWN)
        if text in self._refused:
            return Fault(self._refused[text])
        ends_ms = self._ends_ms.get(text)
        if ends_ms is not None and self.clock.now_ms() >= ends_ms:
            return Fault(EXPIRED)
        lacking = next((scope for scope in requirement.scopes if not key.has(scope)), None)
        return None if lacking is None else Fault(INSUFFICIENT_SCOPE, scope=lacking)


class _FakeAdmission(Admission):
    known: Key | None = None

    def __init__(self, request: GuardRequest, keys: FakeKeys) -> None:
        super().__init__(request, "https://ari.example.net")
        self._keys = keys

    async def finish(self, status: int, length: int | None) -> Refusal | None:  # noqa: ARG002 - not kept
        head, code = self.request.head, ACCEPTED if self.refusal is None else self.refusal.code
        path = head.raw_path.decode("latin-1")
        self._keys.requests.append(GuardedCall(head.method, self.request.route, path, status, code, self.known))
        return None


@contextmanager
def fake_keys(ari: Ari) -> Iterator[FakeKeys]:
    """Replace the back end of ``ari`` inside the ``with`` block. Nothing is opened, asked or logged."""
    keys = FakeKeys()
    with ari.replace_backend(keys):
        yield keys
