"""What can be done to an integration. Each command is one transaction of the unit it is given and writes one event."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from ari.base import seal
from ari.base.addresses import NO_ADDRESSES, AddressList
from ari.base.caller import SYSTEM, Caller
from ari.base.errors import Forbidden, Invalid, NotFound, Problem
from ari.base.events import Event
from ari.base.ids import new_id
from ari.base.master_key import MasterKeys
from ari.integrations.checks import checked_base_url, checked_key, is_private, mask
from ari.integrations.credentials import KIND, context_of, place_of
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.model import Credential, Integration, Provider, TestResult
from ari.integrations.ports import IntegrationTransaction


def put_key(
    unit: IntegrationTransaction,
    keys: MasterKeys,
    caller: Caller,
    now_ms: int,
    provider: Provider,
    environment: ProviderEnvironment,
    key: str,
) -> Integration:
    """Seal the provider's key, in place of the one before.

    The owner's key goes to no address that an API key named: whoever holds that key could have named their own.
    Raises ``Invalid``, ``Forbidden``, ``Unconfirmed``, or ``CannotOpen`` where secrets are sealed but their master key
    is gone.
    """
    _require_may_change(caller, provider)
    row = _row(unit, now_ms, provider)
    place = place_of(provider, row, environment)
    if place is None:
        raise Invalid(Problem("base_url", f"Enter the base URL first, such as {provider.base_url_example}."))
    if place.key_named and caller.key_id is None:
        raise Invalid(Problem("base_url", "An API key set this provider's base URL. Set the base URL yourself first."))
    secret = checked_key(provider, key, owner_named=not place.is_built_in)
    caller.require_confirmed(now_ms)
    stored = replace(row.without_past(), mask=mask(secret), added_at_ms=now_ms, added_by=caller.actor)
    seal.keep(unit.sealed, keys, context_of(stored, place.base_url), secret.encode("ascii"))
    unit.integrations.save(stored)
    happened = "provider_key_added" if row.mask is None else "provider_key_replaced"
    _record(unit, caller, now_ms, happened, provider, {"mask": stored.mask, "base_url": place.base_url})
    return stored


def set_base_url(
    unit: IntegrationTransaction,
    caller: Caller,
    now_ms: int,
    provider: Provider,
    base_url: str | None,
    listed: AddressList = NO_ADDRESSES,
) -> Integration:
    """Set where the provider is; ``None`` = the built-in address. A change deletes the sealed key (security.md 34).

    An API key may name public addresses and those ``listed``, the owner private ones too. Who named the address is
    kept, since that decides where its name may lead at every connection (security.md 38). The same address again
    changes nothing, unless the owner confirms the one that a key named.
    Raises ``Invalid``, ``Forbidden``, ``Unconfirmed``.
    """
    _require_may_change(caller, provider)
    wanted = None if base_url is None else checked_base_url(provider, base_url, listed)
    caller.require_confirmed(now_ms)
    row = _row(unit, now_ms, provider)
    if wanted == provider.base_url:
        wanted = None
    same = wanted == row.base_url
    if same and (wanted is None or row.base_url_is_owners or caller.key_id is not None):
        return row
    if wanted is not None and caller.key_id is not None:
        _require_public(wanted, listed)
    kept = row if same else row.without_key()
    moved = replace(kept, base_url=wanted, base_url_by=None if wanted is None else caller.actor)
    if not same:
        unit.sealed.drop(KIND, provider.name)
    unit.integrations.save(moved)
    detail = {"from": row.base_url, "to": wanted, "key_deleted": row.mask is not None and not same}
    _record(unit, caller, now_ms, "integration_base_url_changed", provider, detail)
    return moved


def key_lost_by(unit: IntegrationTransaction, provider: Provider, base_url: str | None) -> str | None:
    """The mask of the sealed key that ``set_base_url`` would delete; ``None`` if it would delete none.

    Raises ``Invalid``.
    """
    wanted = None if base_url is None else checked_base_url(provider, base_url)
    row = unit.integrations.get(provider.name)
    if row is None or (None if wanted == provider.base_url else wanted) == row.base_url:
        return None
    return row.mask


def remove(unit: IntegrationTransaction, caller: Caller, now_ms: int, provider: Provider) -> None:
    """Forget the provider's key and base URL; a key of the environment is not ours to remove.

    Raises ``NotFound`` where nothing is stored, ``Forbidden``, ``Unconfirmed``.
    """
    _require_may_change(caller, provider)
    caller.require_confirmed(now_ms)
    row = unit.integrations.get(provider.name)
    if row is None:
        raise NotFound(f"{provider.title} isn't set up in ARI.")
    unit.sealed.drop(KIND, provider.name)
    unit.integrations.remove(provider.name)
    _record(unit, caller, now_ms, "provider_key_removed", provider, {"mask": row.mask, "base_url": row.base_url})


def note_test(
    unit: IntegrationTransaction, caller: Caller, now_ms: int, credential: Credential, result: TestResult
) -> Integration:
    """Write down what a test told. It may turn the integration failing, or working again, which is a further event.

    Of a key that was replaced meanwhile nothing is written down but the event.
    """
    provider = credential.provider
    row = _row(unit, now_ms, provider)
    detail = {"outcome": result.outcome, "words": result.words, "source": credential.source}
    _record(unit, caller, now_ms, "integration_tested", provider, detail)
    if not _is_of(row, credential):
        return row
    row = replace(row, tested_at_ms=now_ms, tested=result)
    unit.integrations.save(row)
    if result.is_valid:
        return note_working(unit, now_ms, credential)
    note = note_rejected if result.outcome == "rejected" else note_unreachable
    return note(unit, now_ms, credential, result.words, None)


def note_rejected(
    unit: IntegrationTransaction, now_ms: int, credential: Credential, reason: str, status: int | None
) -> Integration:
    """The provider refused the key: failing from now on. An event only where it was not; ``reason`` is for people."""
    return _note_failing(unit, now_ms, credential, "provider_key_rejected", reason, status)


def note_unreachable(
    unit: IntegrationTransaction, now_ms: int, credential: Credential, reason: str, status: int | None
) -> Integration:
    """The provider did not answer, or with a failure of its own: as ``note_rejected``, with another event."""
    return _note_failing(unit, now_ms, credential, "integration_unreachable", reason, status)


def note_working(unit: IntegrationTransaction, now_ms: int, credential: Credential) -> Integration:
    """The provider took the key: no longer failing. An event only where it was."""
    provider = credential.provider
    row = _row(unit, now_ms, provider)
    if row.failing_since_ms is None or not _is_of(row, credential):
        return row
    works = replace(row, failing_since_ms=None, failing_reason=None)
    unit.integrations.save(works)
    _record(unit, SYSTEM, now_ms, "integration_works_again", provider, {"failing_since_ms": row.failing_since_ms})
    return works


def _note_failing(
    unit: IntegrationTransaction, now_ms: int, credential: Credential, happened: str, reason: str, status: int | None
) -> Integration:
    provider = credential.provider
    row = _row(unit, now_ms, provider)
    if row.failing_since_ms is not None or not _is_of(row, credential):
        return row
    failing = replace(row, failing_since_ms=now_ms, failing_reason=reason)
    unit.integrations.save(failing)
    _record(unit, SYSTEM, now_ms, happened, provider, {"status": status, "reason": reason})
    return failing


def _require_may_change(caller: Caller, provider: Provider) -> None:
    """Refuse API keys, whatever their scopes, where the mail that sets the owner's password leaves."""
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


def _row(unit: IntegrationTransaction, now_ms: int, provider: Provider) -> Integration:
    return unit.integrations.get(provider.name) or Integration(new_id("int", now_ms), provider.name)


def _is_of(row: Integration, credential: Credential) -> bool:
    """Whether what is stored is what spoke: a late word must neither condemn a new key nor bring back a removed one."""
    if credential.source == "environment":
        return True
    same_place = bool(credential.secret) or row.base_url == credential.base_url
    return same_place and row.added_at_ms == credential.added_at_ms


def _record(
    unit: IntegrationTransaction, caller: Caller, now_ms: int, name: str, provider: Provider, detail: dict[str, Any]
) -> None:
    facts = {"provider": provider.name} | detail
    unit.events.append(Event(new_id("evt", now_ms), now_ms, name, caller.actor, provider.name, caller.origin, facts))
