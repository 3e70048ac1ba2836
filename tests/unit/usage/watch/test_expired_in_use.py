"""A key that expired while it was in use."""

from ari.base.clock import DAY_MS, HOUR_MS
from ari.usage.watch.dead_calls import find_dead_calls
from ari.usage.watch.expired_in_use import find_expired_in_use
from tests.unit.usage.watch.samples import LIMITS, LOOK, NOW_MS, make_dead_calls, make_key


def test_an_expired_key_is_reported_only_if_it_was_in_use() -> None:
    """And only if it expired under our eyes; a revoked one never is."""
    expired = make_key(expires_at_ms=NOW_MS - HOUR_MS)
    told = find_expired_in_use([make_dead_calls(key=expired, code="expired")], LOOK, LIMITS, set())
    assert [one.name for one in told] == ["key_expired_in_use"]
    assert find_expired_in_use([make_dead_calls(key=expired, code="expired")], LOOK, LIMITS, set(told[0].marks)) == []
    assert (
        find_dead_calls([make_dead_calls(key=expired, code="expired", last_at_ms=NOW_MS)], LIMITS, set(told[0].marks))
        == []
    )
    for silent in (
        make_dead_calls(key=expired, code="expired", used_at_ms=None),
        make_dead_calls(key=expired, code="expired", used_at_ms=NOW_MS - 37 * DAY_MS),
        make_dead_calls(key=make_key(expires_at_ms=LOOK.began_ms - 1), code="expired", used_at_ms=LOOK.began_ms - 2),
        make_dead_calls(),
    ):
        assert find_expired_in_use([silent], LOOK, LIMITS, set()) == []
