"""Choose the key and base URL for a provider; the environment takes precedence over the stored ones.

A key is sent only to the address it was set for (security.md 34): one from the environment to the built-in address or
to one from the environment, a stored one to the origin it was encrypted for.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from ari.base import seal
from ari.base.caller import is_key
from ari.base.errors import Conflict
from ari.base.master_key import MasterKeys
from ari.base.seal import CannotOpen, Context, Sealed
from ari.integrations.checks import is_private, mask
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.model import Credential, Integration, Provider, Source, State, StateName, origin_of
from ari.integrations.ports import IntegrationTransaction
from ari.integrations.providers import providers

KIND = "provider_key"


@dataclass(frozen=True, slots=True)
class Stored:
    """A provider's stored row and encrypted key, either of which may be missing."""

    row: Integration | None
    sealed: Sealed | None


NOTHING_STORED = Stored(None, None)


@dataclass(frozen=True, slots=True)
class ProviderAddress:
    """Where calls of a provider go.

    ``owner_named``: it may be a private address, since the owner gave it or a setting lists it. ``key_named``: an API
    key gave it.
    """

    base_url: str
    owner_named: bool
    key_named: bool = False

    @property
    def is_built_in(self) -> bool:
        """Whether nobody gave it: it is the provider's own."""
        return not self.owner_named and not self.key_named


def credential(tx: IntegrationTransaction, provider: Provider, environment: ProviderEnvironment) -> Credential:
    """The key and address to call the provider with now.

    Raises ``Conflict("not_configured")`` if there is no key or no address, and ``CannotOpen`` if the stored key can't
    be decrypted: the master key is missing or wrong, or the key was set for another address. Changes nothing.
    """
    stored = Stored(tx.integrations.get(provider.name), tx.sealed.get(KIND, provider.name))
    return credential_of(stored, tx.master_keys, provider, environment)


def credential_of(stored: Stored, keys: MasterKeys, provider: Provider, environment: ProviderEnvironment) -> Credential:
    """As ``credential``, from what was read."""
    row = stored.row
    own = _of_environment(provider, environment)
    if own is not None:
        return own
    place = address_of(provider, row, environment)
    if place is None or (provider.needs_key and (row is None or row.mask is None)):
        raise Conflict("not_configured", f"{provider.title} isn't set up. See Settings > Integrations.")
    problem = _not_the_owners(provider, row, place)
    if problem is not None:
        raise Conflict("not_configured", problem)
    if row is None or row.mask is None:
        source: Source = "environment" if provider.name in environment.base_urls else "stored"
        return Credential(provider, place.base_url, source, place.owner_named, key_named=place.key_named)
    secret = _open_secret(stored.sealed, keys, provider, row, place)
    return Credential(
        provider, place.base_url, "stored", place.owner_named, secret, row.added_at_ms, key_named=place.key_named
    )


def find_mail_credential(tx: IntegrationTransaction, environment: ProviderEnvironment) -> Credential | None:
    """The credential for sending emails, ``None`` if there is none that can be decrypted."""
    try:
        return credential(tx, providers()["resend"], environment)
    except (Conflict, CannotOpen):
        return None


def state(tx: IntegrationTransaction, provider: Provider, environment: ProviderEnvironment) -> State:
    """The provider's status, determined without decrypting anything."""
    return _state(tx, provider, tx.integrations.get(provider.name), environment)


def states(tx: IntegrationTransaction, environment: ProviderEnvironment) -> list[State]:
    """The status of every provider."""
    rows = {row.provider: row for row in tx.integrations.all()}
    return [_state(tx, provider, rows.get(name), environment) for name, provider in providers().items()]


def context_of(row: Integration, base_url: str) -> Context:
    """The encryption context that binds a stored key to its provider and origin."""
    return Context(KIND, row.provider, (row.id, origin_of(base_url)))


def _state(
    tx: IntegrationTransaction, provider: Provider, row: Integration | None, environment: ProviderEnvironment
) -> State:
    own = _of_environment(provider, environment)
    failing = row is not None and row.failing_since_ms is not None
    if own is not None:
        return State(provider, "failing" if failing else "configured", own.source, mask(own.secret), own.base_url, row)
    place = address_of(provider, row, environment)
    shown = None if row is None else row.mask
    base_url = None if place is None else place.base_url
    if place is None or (shown is None and provider.needs_key):
        return State(provider, "not_configured", None, None, base_url, row, _describe_missing(provider, environment))
    sealed = tx.sealed.get(KIND, provider.name)
    problem = _not_the_owners(provider, row, place)
    if problem is None and row is not None and shown is not None:
        problem = _describe_misplaced(sealed, row, provider, place)
    name: StateName = "failing" if failing or problem is not None else "configured"
    return State(provider, name, "stored" if shown else None, shown, base_url, row, problem)


def _of_environment(provider: Provider, environment: ProviderEnvironment) -> Credential | None:
    key = environment.keys.get(provider.name)
    given = environment.base_urls.get(provider.name)
    base_url = given or provider.base_url
    if key is None or base_url is None:
        return None
    return Credential(provider, base_url, "environment", given is not None, key)


def address_of(provider: Provider, row: Integration | None, environment: ProviderEnvironment) -> ProviderAddress | None:
    """The base URL for a stored key or a call without a key; ``None`` if it is required but not set."""
    given = environment.base_urls.get(provider.name)
    if given is not None:
        return ProviderAddress(given, owner_named=True)
    if row is not None and row.base_url is not None:
        key_named = not row.base_url_is_owners
        may_be_private = not key_named or environment.private_addresses.allows(row.base_url)
        return ProviderAddress(row.base_url, may_be_private, key_named)
    return None if provider.base_url is None else ProviderAddress(provider.base_url, owner_named=False)


def _describe_missing(provider: Provider, environment: ProviderEnvironment) -> str | None:
    if provider.name in environment.keys:
        return f"{provider.variable} is only used together with {provider.base_url_variable}."
    return None


def _not_the_owners(provider: Provider, row: Integration | None, place: ProviderAddress) -> str | None:
    """Why an API key should not have set what is stored, though it may have when it did."""
    if provider.sends_mail and row is not None:
        key_is_of_key = row.added_by is not None and is_key(row.added_by)
        if place.key_named or key_is_of_key:
            return (
                f"An API key set the address of {provider.title}, so no email is sent. Remove the integration and add "
                "it again."
            )
    if place.key_named and not place.owner_named and is_private(urlsplit(place.base_url).hostname or ""):
        return (
            "An API key set this private address, and ARI_AI_PRIVATE_ADDRESSES doesn't list it. The owner can set it "
            "again."
        )
    return None


def _describe_misplaced(
    sealed: Sealed | None, row: Integration, provider: Provider, place: ProviderAddress
) -> str | None:
    """Why the stored key can't be used here, even if it can be decrypted."""
    if sealed is None:
        return f"The {provider.title} key is missing from storage. Add it again."
    if sealed.context.parts != context_of(row, place.base_url).parts:
        return f"The {provider.title} key was saved for another address than {origin_of(place.base_url)}. Add it again."
    return None


def _open_secret(
    sealed: Sealed | None, keys: MasterKeys, provider: Provider, row: Integration, place: ProviderAddress
) -> str:
    problem = _describe_misplaced(sealed, row, provider, place)
    if problem is not None or sealed is None:
        raise CannotOpen(problem or "")
    return seal.open_one(keys, Sealed(context_of(row, place.base_url), sealed.envelope)).decode("ascii")
