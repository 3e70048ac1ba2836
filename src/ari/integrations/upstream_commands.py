"""Commands that add and remove named upstreams. Each records one event."""

from dataclasses import replace

from ari.base.addresses import NO_ADDRESSES, AddressList
from ari.base.errors import Conflict, NotFound
from ari.integrations import pool
from ari.integrations.ai_rules.bound_keys import require_may_change_counting
from ari.integrations.ai_rules.drop_provider import drop_provider_rules
from ari.integrations.commands import BaseUrlTransaction, set_base_url
from ari.integrations.model import Provider
from ari.integrations.ports import IntegrationTransaction
from ari.integrations.rows import record_integration
from ari.integrations.upstreams import Upstream, make_upstream_provider, parse_title, parse_upstream_name

MAX_UPSTREAMS = 200


def add_upstream(
    tx: BaseUrlTransaction, name: str, title: str, base_url: str, listed: AddressList = NO_ADDRESSES
) -> Provider:
    """Add an upstream with its base URL, which follows the rules of every base URL (``commands.set_base_url``).

    A name that active API keys still list in their scopes is refused: they would reach the new upstream.
    Raises ``Invalid``, ``Conflict``, ``Forbidden``, ``ReauthRequired``.
    """
    upstream = Upstream(parse_upstream_name(name), parse_title(title), tx.now_ms, tx.caller.actor)
    present = tx.upstreams.all()
    if any(one.name == upstream.name for one in present):
        raise Conflict("conflict", f"There is already an upstream {upstream.name}.")
    if len(present) >= MAX_UPSTREAMS:
        raise Conflict("conflict", f"ARI stores at most {MAX_UPSTREAMS} named upstreams.")
    holders = tx.upstreams.count_keys_with_scopes(upstream.name, tx.now_ms)
    if holders:
        raise Conflict(
            "conflict",
            f"{holders:,} active API key{'' if holders == 1 else 's'} still list{'s' if holders == 1 else ''} "
            f"ai:{upstream.name}, from an upstream that was removed. Choose another name or change the keys.",
        )
    provider = make_upstream_provider(upstream.name, upstream.title)
    set_base_url(tx, provider, base_url, listed)
    tx.upstreams.save(upstream)
    record_integration(tx, "upstream_added", provider, {"title": upstream.title})
    return provider


def rename_upstream(tx: IntegrationTransaction, name: str, title: str) -> Upstream:
    """Give an upstream another title; its name stays. Raises ``NotFound``, ``Invalid``, ``ReauthRequired``."""
    found = tx.upstreams.get(name)
    if found is None:
        raise NotFound("No such upstream.")
    after = replace(found, title=parse_title(title))
    if after != found:
        tx.caller.require_confirmed(tx.now_ms)
        tx.upstreams.save(after)
        provider = make_upstream_provider(name, after.title)
        record_integration(tx, "upstream_renamed", provider, {"from": found.title, "to": after.title})
    return after


def remove_upstream(tx: BaseUrlTransaction, name: str) -> None:
    """Remove an upstream with its keys, base URL, budgets, prices and aliases; the next request no longer reaches it.

    A key that budgets bind can't, like ``commands.remove``.
    Raises ``NotFound``, ``Forbidden``, ``ReauthRequired``.
    """
    tx.caller.require_confirmed(tx.now_ms)
    found = tx.upstreams.get(name)
    if found is None:
        raise NotFound("No such upstream.")
    require_may_change_counting(tx, "remove upstreams")
    provider = make_upstream_provider(found.name, found.title)
    tx.integrations.get(name)
    drop_provider_rules(tx, name)
    pool.drop_keys(tx, provider)
    tx.integrations.remove(name)
    tx.upstreams.remove(name)
    record_integration(tx, "upstream_removed", provider, {"title": found.title})
