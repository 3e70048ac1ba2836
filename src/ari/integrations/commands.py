"""Commands that change an integration: its first key and its base URL. Each records one event."""

from dataclasses import replace
from typing import Protocol
from urllib.parse import urlsplit

from ari.base.addresses import NO_ADDRESSES, AddressList
from ari.base.errors import Invalid, NotFound, Problem
from ari.integrations import pool
from ari.integrations.ai_rules.bound_keys import require_may_change_counting
from ari.integrations.ai_rules.model import AiRulesTransaction
from ari.integrations.checks import is_private, parse_base_url
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.model import Integration, Provider, ProviderKey, describe_keys
from ari.integrations.ports import IntegrationTransaction
from ari.integrations.rights import require_may_change
from ari.integrations.rows import get_row, record_integration


class BaseUrlTransaction(IntegrationTransaction, AiRulesTransaction, Protocol):
    """One transaction over integrations and the rules for AI requests."""


def put_key(tx: IntegrationTransaction, provider: Provider, environment: ProviderEnvironment, key: str) -> ProviderKey:
    """Store the provider's key, or replace its first one. Raises like ``pool.add_key``."""
    keys = tx.provider_keys.of(provider.name)
    if keys:
        return pool.replace_key(tx, provider, environment, keys[0].id, key)
    return pool.add_key(tx, provider, environment, key)


def set_base_url(
    tx: BaseUrlTransaction, provider: Provider, base_url: str | None, listed: AddressList = NO_ADDRESSES
) -> Integration:
    """Set the provider's base URL; ``None`` = the built-in one. A change deletes the stored keys (security.md 34).

    An API key may set public addresses and those in ``listed``; the owner may also set private ones. The actor is
    stored, since it decides which addresses the host name may resolve to (security.md 38). Setting the same address
    again changes nothing, unless the owner confirms one that an API key set. A key that budgets bind can't change it:
    its requests would no longer count for the provider that they reach.
    Raises ``Invalid``, ``Forbidden``, ``ReauthRequired``.
    """
    require_may_change(tx.caller, provider)
    wanted = None if base_url is None else parse_base_url(provider, base_url, listed)
    tx.caller.require_confirmed(tx.now_ms)
    row = get_row(tx, provider)
    if wanted == provider.base_url:
        wanted = None
    same = wanted == row.base_url
    if same and (wanted is None or row.base_url_is_owners or tx.caller.key_id is not None):
        return row
    if provider.is_ai:
        require_may_change_counting(tx, "change base URLs")
    if wanted is not None and tx.caller.key_id is not None:
        _require_public(wanted, listed)
    kept = row if same else row.without_past()
    moved = replace(kept, base_url=wanted, base_url_by=None if wanted is None else tx.caller.actor)
    lost = () if same else pool.drop_keys(tx, provider)
    tx.integrations.save(moved)
    detail = {"from": row.base_url, "to": wanted, "key_deleted": bool(lost)}
    record_integration(tx, "integration_base_url_changed", provider, detail)
    return moved


def find_key_lost_by(tx: IntegrationTransaction, provider: Provider, base_url: str | None) -> str | None:
    """The masks of the stored keys that ``set_base_url`` would delete; ``None`` if it would delete none.

    Raises ``Invalid``.
    """
    wanted = None if base_url is None else parse_base_url(provider, base_url)
    row = tx.integrations.get(provider.name)
    if row is None or (None if wanted == provider.base_url else wanted) == row.base_url:
        return None
    return describe_keys(tx.provider_keys.of(provider.name))


def remove(tx: BaseUrlTransaction, provider: Provider) -> None:
    """Forget the provider's keys and base URL; a key of the environment is not ours to remove.

    A key that budgets bind can't remove a base URL, like ``set_base_url``.
    Raises ``NotFound`` where nothing is stored, ``Forbidden``, ``ReauthRequired``.
    """
    require_may_change(tx.caller, provider)
    tx.caller.require_confirmed(tx.now_ms)
    row = tx.integrations.get(provider.name)
    if row is None:
        raise NotFound(f"{provider.title} isn't set up in ARI.")
    if provider.is_ai and row.base_url is not None:
        require_may_change_counting(tx, "remove base URLs")
    keys = pool.drop_keys(tx, provider)
    tx.integrations.remove(provider.name)
    detail = {"mask": describe_keys(keys), "base_url": row.base_url}
    record_integration(tx, "provider_key_removed", provider, detail)


def _require_public(base_url: str, listed: AddressList) -> None:
    if is_private(urlsplit(base_url).hostname or "") and not listed.allows(base_url):
        raise Invalid(
            Problem(
                "base_url",
                "API keys can only set public addresses and those in ARI_AI_PRIVATE_ADDRESSES. The owner can set "
                "private ones.",
            )
        )
