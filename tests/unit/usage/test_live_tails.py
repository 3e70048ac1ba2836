"""Leases of live tails."""

from ari.usage.live_tails import LEASE_MS, MAX_TAILS, end_lease, is_held, take_lease

NOW_MS = 1_000_000


def test_ten_and_no_more() -> None:
    """All begun at the same instant are distinguished; the eleventh gets none, and takes none away."""
    held: tuple[int, ...] = ()
    for _ in range(MAX_TAILS):
        held, mine = take_lease(held, None, NOW_MS)
        assert mine is not None
        assert is_held(held, mine, NOW_MS)
    assert len(set(held)) == MAX_TAILS
    assert take_lease(held, None, NOW_MS) == (held, None)


def test_renewing_takes_no_further_place() -> None:
    """Also when all places are taken; the old lease is worth nothing then."""
    held, mine = take_lease((), None, NOW_MS)
    full = (*held, *range(NOW_MS + 1, NOW_MS + MAX_TAILS))
    later, renewed = take_lease(full, mine, NOW_MS)
    assert renewed is not None
    assert len(later) == MAX_TAILS
    fresh, after = take_lease(held, mine, NOW_MS + 30_000)
    assert mine is not None
    assert after is not None
    assert not is_held(fresh, mine, NOW_MS + 30_000)
    assert is_held(fresh, after, NOW_MS + 30_000)


def test_a_lease_lapses_and_can_be_given_back() -> None:
    """A browser that was killed gives nothing back; its places are free a minute later."""
    full = tuple(range(NOW_MS + 1, NOW_MS + 1 + MAX_TAILS))
    assert take_lease(full, None, NOW_MS)[1] is None
    assert take_lease(full, None, NOW_MS + LEASE_MS)[1] is not None
    assert end_lease(full, full[3], NOW_MS) == full[:3] + full[4:]
    assert not is_held(full, full[0], full[0])
    assert not is_held((), 0, 0)
