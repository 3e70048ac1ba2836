"""Leases of live tails."""

from ari.usage.tails import LEASE_MS, MOST_TAILS, given_back, holds, lease

NOW_MS = 1_000_000


def test_ten_and_no_more() -> None:
    """All begun at the same instant are told apart; the eleventh gets none, and takes none away."""
    held: tuple[int, ...] = ()
    for _ in range(MOST_TAILS):
        held, mine = lease(held, None, NOW_MS)
        assert mine is not None
        assert holds(held, mine, NOW_MS)
    assert len(set(held)) == MOST_TAILS
    assert lease(held, None, NOW_MS) == (held, None)


def test_renewing_takes_no_further_place() -> None:
    """Also when all places are taken; the old lease is worth nothing then."""
    held, mine = lease((), None, NOW_MS)
    full = (*held, *range(NOW_MS + 1, NOW_MS + MOST_TAILS))
    later, renewed = lease(full, mine, NOW_MS)
    assert renewed is not None
    assert len(later) == MOST_TAILS
    fresh, after = lease(held, mine, NOW_MS + 30_000)
    assert mine is not None
    assert after is not None
    assert not holds(fresh, mine, NOW_MS + 30_000)
    assert holds(fresh, after, NOW_MS + 30_000)


def test_a_lease_lapses_and_can_be_given_back() -> None:
    """A browser that was killed gives nothing back; its places are free a minute later."""
    full = tuple(range(NOW_MS + 1, NOW_MS + 1 + MOST_TAILS))
    assert lease(full, None, NOW_MS)[1] is None
    assert lease(full, None, NOW_MS + LEASE_MS)[1] is not None
    assert given_back(full, full[3], NOW_MS) == full[:3] + full[4:]
    assert not holds(full, full[0], full[0])
    assert not holds((), 0, 0)
