"""Count what one network requests, in the database, so that all processes share the limit."""

from ari.accounts.networks import network_of, site_of
from ari.accounts.ports import AccountTransaction
from ari.base.clock import HOUR_MS, SECOND_MS, in_words
from ari.base.errors import RateLimited

REPORTS_PER_HOUR_AND_ADDRESS = 60
REPORTS_PER_HOUR_AND_SITE = 240
"""Of one IPv6 /48."""
_REPORTS = "Too many reports."


def count_leak_report(tx: AccountTransaction) -> None:
    """Count a report by the address of the caller. Raises ``RateLimited``; then nothing is counted."""
    address = tx.caller.origin.client_address
    tx.accounts.forget_expired(tx.now_ms)
    count_attempt(tx, f"leak:from:{network_of(address)}", _REPORTS, (HOUR_MS, REPORTS_PER_HOUR_AND_ADDRESS))
    site = site_of(address)
    if site is not None:
        count_attempt(tx, f"leak:from:{site}", _REPORTS, (HOUR_MS, REPORTS_PER_HOUR_AND_SITE))


def count_attempt(tx: AccountTransaction, bucket: str, refusal: str, *limits: tuple[int, int]) -> None:
    """Count one, within spans of time (milliseconds) so many. Raises ``RateLimited``; then nothing is counted.

    ``refusal`` is the sentence in front of the time to wait.
    """
    longest_ms = max(span_ms for span_ms, _ in limits)
    recent = read_recent(tx, bucket, longest_ms)
    for span_ms, most in limits:
        if len(recent) >= most:
            require_wait(tx, recent[-most] + span_ms, refusal)
    tx.accounts.keep_attempts(bucket, (*recent, tx.now_ms), tx.now_ms + longest_ms)


def read_recent(tx: AccountTransaction, bucket: str, span_ms: int) -> tuple[int, ...]:
    """The attempts within this span; where the clock stepped back, later ones count as made now."""
    now_ms = tx.now_ms
    return tuple(min(at_ms, now_ms) for at_ms in tx.accounts.attempts(bucket) if at_ms > now_ms - span_ms)


def require_wait(tx: AccountTransaction, free_at_ms: int, refusal: str) -> None:
    """Raise ``RateLimited`` until this time."""
    if free_at_ms > tx.now_ms:
        seconds = -((tx.now_ms - free_at_ms) // SECOND_MS)
        raise RateLimited(f"{refusal} Try again in {in_words(seconds)}.", retry_after_seconds=seconds)
