"""Whether a provider accepts our key, as tests and forwarded requests show."""

from dataclasses import replace

from ari.base.caller import SYSTEM
from ari.integrations.model import Credential, Integration, TestResult
from ari.integrations.ports import IntegrationTransaction
from ari.integrations.rows import get_row, record_integration


def record_test(tx: IntegrationTransaction, credential: Credential, result: TestResult) -> Integration:
    """Record the result of a test. Another event follows if the integration starts to fail, or works again.

    For a key that has been replaced since, only the event is recorded.
    """
    provider = credential.provider
    row = get_row(tx, provider)
    detail = {"outcome": result.outcome, "words": result.words, "source": credential.source}
    record_integration(tx, "integration_tested", provider, detail)
    if not _is_of(row, credential):
        return row
    row = replace(row, tested_at_ms=tx.now_ms, tested=result)
    tx.integrations.save(row)
    if result.is_valid:
        return record_working(tx, credential)
    record_failure = record_rejected if result.outcome == "rejected" else record_unreachable
    return record_failure(tx, credential, result.words, None)


def record_rejected(tx: IntegrationTransaction, credential: Credential, reason: str, status: int | None) -> Integration:
    """The provider refused the key: failing from now on. An event only where it was not; ``reason`` is for people."""
    return _record_failing(tx, credential, "provider_key_rejected", reason, status)


def record_unreachable(
    tx: IntegrationTransaction, credential: Credential, reason: str, status: int | None
) -> Integration:
    """Like ``record_rejected``, for a provider that didn't respond or failed; records another event."""
    return _record_failing(tx, credential, "integration_unreachable", reason, status)


def record_working(tx: IntegrationTransaction, credential: Credential) -> Integration:
    """The provider accepted the key: no longer failing. Records an event only if it was failing."""
    provider = credential.provider
    row = get_row(tx, provider)
    if row.failing_since_ms is None or not _is_of(row, credential):
        return row
    works = replace(row, failing_since_ms=None, failing_reason=None)
    tx.integrations.save(works)
    record_integration(
        tx, "integration_works_again", provider, {"failing_since_ms": row.failing_since_ms}, caller=SYSTEM
    )
    return works


def _record_failing(
    tx: IntegrationTransaction, credential: Credential, happened: str, reason: str, status: int | None
) -> Integration:
    provider = credential.provider
    row = get_row(tx, provider)
    if row.failing_since_ms is not None or not _is_of(row, credential):
        return row
    failing = replace(row, failing_since_ms=tx.now_ms, failing_reason=reason)
    tx.integrations.save(failing)
    record_integration(tx, happened, provider, {"status": status, "reason": reason}, caller=SYSTEM)
    return failing


def _is_of(row: Integration, credential: Credential) -> bool:
    """Whether what is stored is what spoke: a late word must neither condemn a new key nor bring back a removed one."""
    if credential.source == "environment":
        return True
    same_place = bool(credential.secret) or row.base_url == credential.base_url
    return same_place and row.added_at_ms == credential.added_at_ms
