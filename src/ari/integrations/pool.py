"""Commands that change the keys of one provider. Each records one event."""

from contextlib import suppress
from dataclasses import replace

from ari.base import seal
from ari.base.errors import Conflict, Invalid, NotFound, Problem
from ari.base.ids import new_id
from ari.base.seal import CannotOpen
from ari.integrations.checks import mask, parse_key
from ari.integrations.credentials import KIND, address_of, context_of
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.model import Integration, KeyChoice, Provider, ProviderKey
from ari.integrations.ports import IntegrationTransaction
from ari.integrations.rights import require_may_change
from ari.integrations.rows import get_row, record_integration

MAX_KEYS = 1_000
"""Stored keys of one provider."""
MAX_LABEL = 60


def get_key(tx: IntegrationTransaction, provider: Provider, key_id: str) -> ProviderKey:
    """Raises ``NotFound``."""
    found = next((one for one in tx.provider_keys.of(provider.name) if one.id == key_id), None)
    if found is None:
        raise NotFound(f"No such {provider.title} key.")
    return found


def add_key(
    tx: IntegrationTransaction, provider: Provider, environment: ProviderEnvironment, key: str, label: str = ""
) -> ProviderKey:
    """Encrypt and store one more key, after the others.

    The owner's key is never sent to an address that an API key set: the holder of that key may control the address.
    Raises ``Invalid``, ``Forbidden``, ``ReauthRequired``, ``Conflict("conflict")``, or ``CannotOpen`` if the
    master key of stored secrets is missing.
    """
    require_may_change(tx.caller, provider)
    row = get_row(tx, provider)
    keys = tx.provider_keys.of(provider.name)
    if keys and not provider.is_ai:
        raise Conflict("conflict", f"{provider.title} uses one key. Replace it instead.")
    if len(keys) >= MAX_KEYS:
        raise Conflict("conflict", f"{provider.title} has {MAX_KEYS:,} keys already, the most that ARI stores.")
    named = parse_label(label)
    key_id = new_id("pky", tx.now_ms)
    position = keys[-1].position + 1 if keys else 0
    added = ProviderKey(key_id, provider.name, "", 0, "", key_id, named, position)
    return _store(tx, row if keys else row.without_past(), provider, environment, added, key, "provider_key_added")


def replace_key(
    tx: IntegrationTransaction, provider: Provider, environment: ProviderEnvironment, key_id: str, key: str
) -> ProviderKey:
    """Replace the secret of a stored key; its label and place stay. Raises like ``add_key``, and ``NotFound``."""
    require_may_change(tx.caller, provider)
    row, found = get_row(tx, provider), get_key(tx, provider, key_id)
    fresh = replace(found, tested_at_ms=None, tested=None, failing_since_ms=None, failing_reason=None)
    return _store(tx, row.without_past(), provider, environment, fresh, key, "provider_key_replaced")


def change_key(
    tx: IntegrationTransaction, provider: Provider, key_id: str, label: str | None = None, position: int | None = None
) -> ProviderKey:
    """Change a key's label, or its place among the provider's keys, counted from 0; ``None`` leaves it.

    Raises ``NotFound``, ``Invalid``, ``Forbidden``.
    """
    require_may_change(tx.caller, provider)
    get_row(tx, provider)
    before = get_key(tx, provider, key_id)
    changed = before if label is None else replace(before, label=parse_label(label))
    others = [one for one in tx.provider_keys.of(provider.name) if one.id != key_id]
    if position is None:
        order = None
    elif not 0 <= position <= len(others):
        raise Invalid(Problem("position", f"Choose a position from 0 to {len(others)}."))
    else:
        order = [*others[:position], changed, *others[position:]]
    if order is not None:
        for place, one in enumerate(order):
            if one.position != place:
                tx.provider_keys.save(replace(one, position=place))
        changed = replace(changed, position=order.index(changed))
    if changed != before:
        tx.provider_keys.save(changed)
        detail = {"key": key_id, "label": changed.label, "position": changed.position}
        record_integration(tx, "provider_key_changed", provider, detail)
    return changed


def remove_key(tx: IntegrationTransaction, provider: Provider, key_id: str) -> None:
    """Delete one stored key; the next request no longer uses it. Raises ``NotFound``, ``Forbidden``."""
    require_may_change(tx.caller, provider)
    tx.caller.require_confirmed(tx.now_ms)
    get_row(tx, provider)
    found = get_key(tx, provider, key_id)
    tx.sealed.drop(KIND, found.sealed_subject)
    tx.provider_keys.remove(found)
    record_integration(tx, "provider_key_removed", provider, {"key": key_id, "mask": found.mask, "label": found.label})


def drop_keys(tx: IntegrationTransaction, provider: Provider) -> tuple[ProviderKey, ...]:
    """Delete every stored key of the provider and return what they were. Records nothing."""
    keys = tx.provider_keys.of(provider.name)
    for one in keys:
        tx.sealed.drop(KIND, one.sealed_subject)
        tx.provider_keys.remove(one)
    return keys


def set_key_choice(tx: IntegrationTransaction, provider: Provider, choice: KeyChoice) -> None:
    """Set how a request gets one of the provider's keys. Raises ``Forbidden``."""
    require_may_change(tx.caller, provider)
    row = get_row(tx, provider)
    if row.key_choice != choice:
        tx.integrations.save(replace(row, key_choice=choice))
        record_integration(tx, "provider_key_choice_changed", provider, {"from": row.key_choice, "to": choice})


def parse_label(text: str) -> str:
    """The label trimmed; empty for none. Raises ``Invalid``."""
    label = text.strip()
    if len(label) > MAX_LABEL or not label.isprintable():
        raise Invalid(Problem("label", f"Use at most {MAX_LABEL} printable characters."))
    return label


def _store(
    tx: IntegrationTransaction,
    row: Integration,
    provider: Provider,
    environment: ProviderEnvironment,
    stored: ProviderKey,
    key: str,
    happened: str,
) -> ProviderKey:
    place = address_of(provider, row, environment)
    if place is None:
        raise Invalid(Problem("base_url", f"Enter the base URL first, such as {provider.base_url_example}."))
    if place.key_named and tx.caller.key_id is None:
        raise Invalid(Problem("base_url", "An API key set this provider's base URL. Set the base URL yourself first."))
    secret = parse_key(provider, key, owner_named=not place.is_built_in)
    tx.caller.require_confirmed(tx.now_ms)
    _require_new(tx, provider, stored.id, secret, place.base_url)
    stored = replace(stored, mask=mask(secret), added_at_ms=tx.now_ms, added_by=tx.caller.actor)
    seal.keep(tx.sealed, tx.master_keys, context_of(stored, place.base_url), secret.encode("ascii"))
    tx.integrations.save(row)
    tx.provider_keys.save(stored)
    detail = {"key": stored.id, "mask": stored.mask, "label": stored.label, "base_url": place.base_url}
    record_integration(tx, happened, provider, detail)
    return stored


def _require_new(tx: IntegrationTransaction, provider: Provider, key_id: str, secret: str, base_url: str) -> None:
    """Raise ``Invalid`` if another stored key is the same: it would rest and be rejected together with this one."""
    for one in tx.provider_keys.of(provider.name):
        if one.id == key_id or one.mask != mask(secret):
            continue
        with suppress(CannotOpen):
            if seal.open_secret(tx.sealed, tx.master_keys, context_of(one, base_url)) == secret.encode("ascii"):
                named = f" as {one.label}" if one.label else ""
                raise Invalid(Problem("key", f"This {provider.title} key is stored already{named}."))
