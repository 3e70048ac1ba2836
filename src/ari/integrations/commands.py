"""Commands that change an integration: its key and its base URL. Each records one event."""

from dataclasses import replace
from urllib.parse import urlsplit

from ari.base import seal
from ari.base.addresses import NO_ADDRESSES, AddressList
from ari.base.caller import Caller
from ari.base.errors import Forbidden, Invalid, NotFound, Problem
from ari.integrations.checks import is_private, mask, parse_base_url, parse_key
from ari.integrations.credentials import KIND, address_of, context_of
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.model import Integration, Provider
from ari.integrations.ports import IntegrationTransaction
from ari.integrations.rows import get_row, record_integration


def put_key(tx: IntegrationTransaction, provider: Provider, environment: ProviderEnvironment, key: str) -> Integration:
    """Encrypt and store the provider's key, replacing the previous one.

    The owner's key is never sent to an address that an API key set: the holder of that key may control the address.
    Raises ``Invalid``, ``Forbidden``, ``ReauthRequired``, or ``CannotOpen`` if the master key of stored secrets is
    missing.
    """
    _require_may_change(tx.caller, provider)
    row = get_row(tx, provider)
    place = address_of(provider, row, environment)
    if place is None:
        raise Invalid(Problem("base_url", f"Enter the base URL first, such as {provider.base_url_example}."))
    if place.key_named and tx.caller.key_id is None:
        raise Invalid(Problem("base_url", "An API key set this provider's base URL. Set the base URL yourself first."))
    secret = parse_key(provider, key, owner_named=not place.is_built_in)
    tx.caller.require_confirmed(tx.now_ms)
    stored = replace(row.without_past(), mask=mask(secret), added_at_ms=tx.now_ms, added_by=tx.caller.actor)
    seal.keep(tx.sealed, tx.master_keys, context_of(stored, place.base_url), secret.encode("ascii"))
    tx.integrations.save(stored)
    happened = "provider_key_added" if row.mask is None else "provider_key_replaced"
    record_integration(tx, happened, provider, {"mask": stored.mask, "base_url": place.base_url})
    return stored


def set_base_url(
    tx: IntegrationTransaction, provider: Provider, base_url: str | None, listed: AddressList = NO_ADDRESSES
) -> Integration:
    """Set the provider's base URL; ``None`` = the built-in one. A change deletes the stored key (security.md 34).

    An API key may set public addresses and those in ``listed``; the owner may also set private ones. The actor is
    stored, since it decides which addresses the host name may resolve to (security.md 38). Setting the same address
    again changes nothing, unless the owner confirms one that an API key set.
    Raises ``Invalid``, ``Forbidden``, ``ReauthRequired``.
    """
    _require_may_change(tx.caller, provider)
    wanted = None if base_url is None else parse_base_url(provider, base_url, listed)
    tx.caller.require_confirmed(tx.now_ms)
    row = get_row(tx, provider)
    if wanted == provider.base_url:
        wanted = None
    same = wanted == row.base_url
    if same and (wanted is None or row.base_url_is_owners or tx.caller.key_id is not None):
        return row
    if wanted is not None and tx.caller.key_id is not None:
        _require_public(wanted, listed)
    kept = row if same else row.without_key()
    moved = replace(kept, base_url=wanted, base_url_by=None if wanted is None else tx.caller.actor)
    if not same:
        tx.sealed.drop(KIND, provider.name)
    tx.integrations.save(moved)
    detail = {"from": row.base_url, "to": wanted, "key_deleted": row.mask is not None and not same}
    record_integration(tx, "integration_base_url_changed", provider, detail)
    return moved


def find_key_lost_by(tx: IntegrationTransaction, provider: Provider, base_url: str | None) -> str | None:
    """The mask of the stored key that ``set_base_url`` would delete; ``None`` if it would delete none.

    Raises ``Invalid``.
    """
    wanted = None if base_url is None else parse_base_url(provider, base_url)
    row = tx.integrations.get(provider.name)
    if row is None or (None if wanted == provider.base_url else wanted) == row.base_url:
        return None
    return row.mask


def remove(tx: IntegrationTransaction, provider: Provider) -> None:
    """Forget the provider's key and base URL; a key of the environment is not ours to remove.

    Raises ``NotFound`` where nothing is stored, ``Forbidden``, ``ReauthRequired``.
    """
    _require_may_change(tx.caller, provider)
    tx.caller.require_confirmed(tx.now_ms)
    row = tx.integrations.get(provider.name)
    if row is None:
        raise NotFound(f"{provider.title} isn't set up in ARI.")
    tx.sealed.drop(KIND, provider.name)
    tx.integrations.remove(provider.name)
    record_integration(tx, "provider_key_removed", provider, {"mask": row.mask, "base_url": row.base_url})


def _require_may_change(caller: Caller, provider: Provider) -> None:
    """Refuse API keys, whatever their scopes, for the provider that sends password reset emails."""
    if provider.sends_mail and caller.key_id is not None:
        raise Forbidden(
            f"API keys can't change {provider.title}, because ARI sends its own email through it. Sign in as the owner "
            "or use the command line."
        )


def _require_public(base_url: str, listed: AddressList) -> None:
    if is_private(urlsplit(base_url).hostname or "") and not listed.allows(base_url):
        raise Invalid(
            Problem(
                "base_url",
                "API keys can only set public addresses and those in ARI_AI_PRIVATE_ADDRESSES. The owner can set "
                "private ones.",
            )
        )
