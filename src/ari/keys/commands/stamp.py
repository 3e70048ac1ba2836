"""Record that keys have expired, so that a clock set back revives none (security.md 14)."""

from ari.keys.ports import KeyTransaction


def stamp_expired(tx: KeyTransaction, seen_at_ms: int = 0) -> int:
    """Stamp every key that is expired now, or was at ``seen_at_ms``; how many."""
    return tx.keys.stamp_expired(max(seen_at_ms, tx.now_ms))
