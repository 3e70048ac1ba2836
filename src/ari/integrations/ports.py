"""What integrations need from storage and from the network."""

from dataclasses import dataclass, field
from typing import Protocol

from ari.base.master_key import MasterKeys
from ari.base.seal import SealedStore
from ari.base.transaction import CommandTransaction
from ari.integrations.model import Credential, Integration, ProviderKey
from ari.integrations.upstreams import UpstreamStore


class IntegrationStore(Protocol):
    """The stored integrations, inside one transaction; at most one for each provider."""

    def get(self, provider: str) -> Integration | None:
        """The row, locked until the transaction ends where the database has row locks."""

    def all(self) -> list[Integration]:
        """Every row, by provider."""

    def save(self, integration: Integration) -> None:
        """Store it, in place of the one before."""

    def remove(self, provider: str) -> None: ...


class ProviderKeyStore(Protocol):
    """The stored keys of providers, inside one transaction. A provider with keys has an ``Integration``."""

    def of(self, provider: str) -> tuple[ProviderKey, ...]:
        """The provider's keys in their order."""

    def get(self, key_id: str) -> ProviderKey | None: ...

    def save(self, key: ProviderKey) -> None:
        """Store it, in place of the one before; every process knows with its next request."""

    def remove(self, key: ProviderKey) -> None: ...


class IntegrationTransaction(CommandTransaction, Protocol):
    """One transaction over integrations, provider keys, named upstreams, encrypted secrets and events."""

    @property
    def integrations(self) -> IntegrationStore: ...

    @property
    def provider_keys(self) -> ProviderKeyStore: ...

    @property
    def upstreams(self) -> UpstreamStore: ...

    @property
    def sealed(self) -> SealedStore: ...

    @property
    def master_keys(self) -> MasterKeys: ...


class Attempts(Protocol):
    """The instants of recent attempts by bucket, shared by all processes."""

    def attempts(self, bucket: str) -> tuple[int, ...]:
        """The instants kept for this bucket, oldest first; nobody else reads them until the transaction ends."""

    def keep_attempts(self, bucket: str, instants_ms: tuple[int, ...], forget_at_ms: int) -> None:
        """Replace the bucket's instants."""


class TestTransaction(IntegrationTransaction, Protocol):
    """One transaction over integrations and counted attempts."""

    @property
    def accounts(self) -> Attempts: ...


@dataclass(frozen=True, slots=True)
class Probed:
    """The status and the beginning of the body, or the reason that there is no response.

    ``fault`` is a short clause for people, such as ``"it didn't respond within 10 s"``; it contains no secret.
    """

    status: int | None
    body: bytes = field(default=b"", repr=False)
    fault: str | None = None


class Prober(Protocol):
    """Makes the test call of a provider, under the rules for outbound calls (security.md 38)."""

    async def probe(self, credential: Credential, timeout_seconds: float) -> Probed:
        """Make the call of ``credential.provider.trial``; whatever goes wrong is a fault and never raised."""
