"""Whether a provider accepts our key, as tests and forwarded requests show.

A rejection belongs to one key, and that a provider doesn't respond belongs to the provider.
"""

from dataclasses import replace

from ari.base.caller import SYSTEM
from ari.integrations.model import Credential, Integration, ProviderKey, TestResult
from ari.integrations.ports import IntegrationTransaction
from ari.integrations.rows import get_row, record_integration


def record_test(tx: IntegrationTransaction, credential: Credential, result: TestResult) -> None:
    """Record the result of a test. Another event follows if the key or provider starts to fail, or works again.

    For a key that has been replaced since, only the event is recorded.
    """
    detail = {"outcome": result.outcome, "words": result.words, "source": credential.source}
    record_integration(tx, "integration_tested", credential.provider, detail | _name(credential))
    found = _find(tx, credential)
    if found is None:
        return
    _save(tx, replace(found, tested_at_ms=tx.now_ms, tested=result))
    if result.is_valid:
        record_working(tx, credential)
    elif result.outcome == "rejected":
        record_rejected(tx, credential, result.words, None)
    else:
        record_unreachable(tx, credential, result.words, None)


def record_rejected(tx: IntegrationTransaction, credential: Credential, reason: str, status: int | None) -> None:
    """The provider refused the key: it fails from now on. An event only where it did not; ``reason`` is for people."""
    found = _find(tx, credential)
    if found is not None:
        _record_failing(tx, found, credential, "provider_key_rejected", reason, status)


def record_unreachable(tx: IntegrationTransaction, credential: Credential, reason: str, status: int | None) -> None:
    """The provider didn't respond or failed, whatever the key. Records another event than ``record_rejected``."""
    if _find(tx, credential) is not None:
        row = get_row(tx, credential.provider)
        _record_failing(tx, row, credential, "integration_unreachable", reason, status)


def record_working(tx: IntegrationTransaction, credential: Credential) -> None:
    """The provider accepted the key: neither fails any longer. Records an event only if one did."""
    found = _find(tx, credential)
    if found is None:
        return
    failing = [one for one in (found, get_row(tx, credential.provider)) if one.failing_since_ms is not None]
    for one in failing:
        _save(tx, replace(one, failing_since_ms=None, failing_reason=None))
    if failing:
        detail = {"failing_since_ms": failing[0].failing_since_ms} | _name(credential)
        record_integration(tx, "integration_works_again", credential.provider, detail, caller=SYSTEM)


def _record_failing(
    tx: IntegrationTransaction,
    found: Integration | ProviderKey,
    credential: Credential,
    happened: str,
    reason: str,
    status: int | None,
) -> None:
    if found.failing_since_ms is None:
        _save(tx, replace(found, failing_since_ms=tx.now_ms, failing_reason=reason))
        detail = {"status": status, "reason": reason} | _name(credential)
        record_integration(tx, happened, credential.provider, detail, caller=SYSTEM)


def _find(tx: IntegrationTransaction, credential: Credential) -> Integration | ProviderKey | None:
    """The row of this key, or the provider's row for calls without a stored key.

    ``None`` if it is no longer what spoke: a late word must neither condemn a new key nor bring back a removed one.
    """
    row = get_row(tx, credential.provider)
    if credential.key_id is not None:
        key = tx.provider_keys.get(credential.key_id)
        return key if key is not None and key.added_at_ms == credential.added_at_ms else None
    if credential.source == "environment":
        return row
    is_same = row.base_url == credential.base_url and not tx.provider_keys.of(credential.provider.name)
    return row if is_same else None


def _save(tx: IntegrationTransaction, found: Integration | ProviderKey) -> None:
    if isinstance(found, ProviderKey):
        tx.provider_keys.save(found)
    else:
        tx.integrations.save(found)


def _name(credential: Credential) -> dict[str, str]:
    return {} if credential.key_id is None else {"key": credential.key_id}
