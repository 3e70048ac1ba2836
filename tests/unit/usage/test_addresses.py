"""Which addresses of a key count as new."""

from ari.base.clock import DAY_MS
from ari.usage.addresses import new_addresses
from ari.usage.model import KeyClient


def test_a_new_address_is_one_that_an_old_key_did_not_use_before() -> None:
    """Not those of its first day, not those of long ago, not undistinguishable ones; the newest first."""
    now_ms = 100 * DAY_MS

    def seen(value: str, days_ago: float) -> KeyClient:
        return KeyClient(value, 1, 0, round(now_ms - days_ago * DAY_MS), now_ms)

    all_seen = [seen("a", 30), seen("b", 5), seen("c", 6.9), seen("d", 7.1), seen("other", 1)]
    assert [one.value for one in new_addresses(all_seen, round(now_ms - 30 * DAY_MS), now_ms)] == ["b", "c"]
    assert new_addresses(all_seen[1:3], round(now_ms - 5.5 * DAY_MS), now_ms) == []
    assert new_addresses(all_seen, None, now_ms) == []
