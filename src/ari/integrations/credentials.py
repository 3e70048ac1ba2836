"""Choose the key and base URL for a provider; the environment takes precedence over the stored ones.

A key is sent only to the address it was set for (security.md 34): one from the environment to the built-in address or
to one from the environment, a stored one to the origin it was encrypted for.
"""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from ari.base import seal
from ari.base.caller import is_key
from ari.base.errors import Conflict, NotFound
from ari.base.master_key import MasterKeys
from ari.base.seal import CannotOpen, Context, Sealed
from ari.integrations.checks import is_private, mask
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.model import Credential, Integration, Provider, ProviderKey, Source, State, StateName, origin_of
from ari.integrations.ports import IntegrationTransaction
from ari.integrations.providers import providers
from ari.integrations.upstreams import list_providers

KIND = "provider_key"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A stored key and its encrypted secret, which may be missing."""

    key: ProviderKey
    sealed: Sealed | None


@dataclass(frozen=True, slots=True)
class Stored:
    """A provider's stored row, which may be missing, and its stored keys in their order."""

    row: Integration | None
    keys: tuple[StoredKey, ...] = ()


NOTHING_STORED = Stored(None)


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


def credential(
    tx: IntegrationTransaction, provider: Provider, environment: ProviderEnvironment, key_id: str | None = None
) -> Credential:
    """The first key and the address to call the provider with now; with ``key_id``, that stored key.

    Raises ``Conflict("not_configured")`` if there is no key or no address, ``NotFound`` if there is no such key, and
    ``CannotOpen`` if the stored key can't be decrypted: the master key is missing or wrong, or the key was set for
    another address. Changes nothing.
    """
    keys = [one for one in tx.provider_keys.of(provider.name) if key_id in (None, one.id)][:1]
    if key_id is not None and not keys:
        raise NotFound(f"No such {provider.title} key.")
    if key_id is not None:
        environment = replace(environment, keys={})
    found = tuple(StoredKey(one, tx.sealed.get(KIND, one.sealed_subject)) for one in keys)
    stored = Stored(tx.integrations.get(provider.name), found)
    return credential_of(stored, tx.master_keys, provider, environment)


def credential_of(
    stored: Stored,
    keys: MasterKeys,
    provider: Provider,
    environment: ProviderEnvironment,
    chosen: StoredKey | None = None,
) -> Credential:
    """As ``credential``, from what was read; with the ``chosen`` key instead of the first."""
    row = stored.row
    own = find_environment_credential(provider, environment)
    if own is not None:
        return own
    place = address_of(provider, row, environment)
    chosen = chosen or (stored.keys[0] if stored.keys else None)
    if place is None or (provider.needs_key and chosen is None):
        raise Conflict("not_configured", f"{provider.title} isn't set up. See Settings > Integrations.")
    problem = _not_the_owners(provider, row, None if chosen is None else chosen.key, place)
    if problem is not None:
        raise Conflict("not_configured", problem)
    if chosen is None:
        source: Source = "environment" if provider.name in environment.base_urls else "stored"
        return Credential(provider, place.base_url, source, place.owner_named, key_named=place.key_named)
    return Credential(
        provider,
        place.base_url,
        "stored",
        place.owner_named,
        _open_secret(chosen, keys, provider, place),
        chosen.key.added_at_ms,
        place.key_named,
        chosen.key.id,
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
    """The status of every provider: the built-in ones, then the named upstreams."""
    rows = {row.provider: row for row in tx.integrations.all()}
    return [_state(tx, one, rows.get(one.name), environment) for one in list_providers(tx)]


def context_of(key: ProviderKey, base_url: str) -> Context:
    """The encryption context that binds a stored key to its id, provider and origin."""
    # The secrets of keys from before there were several for one provider are stored under the provider's name.
    bound = key.id if key.sealed_subject == key.provider else key.provider
    return Context(KIND, key.sealed_subject, (bound, origin_of(base_url)))


def _state(
    tx: IntegrationTransaction, provider: Provider, row: Integration | None, environment: ProviderEnvironment
) -> State:
    keys = tx.provider_keys.of(provider.name)
    own = find_environment_credential(provider, environment)
    failing = row is not None and row.failing_since_ms is not None
    if own is not None:
        name: StateName = "failing" if failing else "configured"
        return State(provider, name, own.source, mask(own.secret), own.base_url, row, keys=keys)
    place = address_of(provider, row, environment)
    first = keys[0] if keys else None
    base_url = None if place is None else place.base_url
    if place is None or (first is None and provider.needs_key):
        missing = _describe_missing(provider, environment)
        return State(provider, "not_configured", None, None, base_url, row, missing, keys)
    problem = _not_the_owners(provider, row, first, place)
    if problem is None and first is not None:
        stored = StoredKey(first, tx.sealed.get(KIND, first.sealed_subject))
        problem = _describe_misplaced(stored, provider, place)
    rejected = bool(keys) and all(one.failing_since_ms is not None for one in keys)
    name = "failing" if failing or rejected or problem is not None else "configured"
    if first is None:
        return State(provider, name, None, None, base_url, row, problem)
    return State(provider, name, "stored", first.mask, base_url, row, problem, keys)


def find_environment_credential(provider: Provider, environment: ProviderEnvironment) -> Credential | None:
    """The key of the environment, which takes precedence over all stored ones; ``None`` if there is none."""
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


def _not_the_owners(
    provider: Provider, row: Integration | None, key: ProviderKey | None, place: ProviderAddress
) -> str | None:
    """Why an API key should not have set what is stored, though it may have when it did."""
    if provider.sends_mail and row is not None:
        key_is_of_key = key is not None and is_key(key.added_by)
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


def _describe_misplaced(stored: StoredKey, provider: Provider, place: ProviderAddress) -> str | None:
    """Why the stored key can't be used here, even if it can be decrypted."""
    if stored.sealed is None:
        return f"The {provider.title} key is missing from storage. Add it again."
    if stored.sealed.context.parts != context_of(stored.key, place.base_url).parts:
        return f"The {provider.title} key was saved for another address than {origin_of(place.base_url)}. Add it again."
    return None


def _open_secret(stored: StoredKey, keys: MasterKeys, provider: Provider, place: ProviderAddress) -> str:
    problem = _describe_misplaced(stored, provider, place)
    if problem is not None or stored.sealed is None:
        raise CannotOpen(problem or "")
    sealed = Sealed(context_of(stored.key, place.base_url), stored.sealed.envelope)
    return seal.open_one(keys, sealed).decode("ascii")
