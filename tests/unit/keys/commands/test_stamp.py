"""Stamping expired keys (security.md 14)."""

from dataclasses import replace

from ari.base.clock import DAY_MS
from ari.keys import stamp_expired
from tests.unit.keys.memory import NOW_MS, MemoryTransaction, make_key


def test_a_key_seen_expired_stays_so() -> None:
    """By the later of the time it was seen at and now: a clock that was set back in between revives no key."""
    tx = MemoryTransaction()
    seen, later, endless = make_key(tx), make_key(tx), make_key(tx)
    tx.keys.save(replace(seen, expires_at_ms=NOW_MS + DAY_MS))
    tx.keys.save(replace(later, expires_at_ms=NOW_MS + 2 * DAY_MS))
    assert stamp_expired(tx) == 0
    assert stamp_expired(tx, NOW_MS + DAY_MS) == 1
    stamped = {key.id for key in tx.keys.rows.values() if key.expired_seen_at_ms is not None}
    assert stamped == {seen.id}
    tx.now_ms += 3 * DAY_MS
    assert stamp_expired(tx, NOW_MS) == 1
    assert tx.keys.rows[endless.id].expired_seen_at_ms is None
