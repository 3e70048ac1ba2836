"""At most one of a name in a period, whatever the number of names."""

from ari.base.throttle import Throttle


def test_a_name_is_allowed_once_a_period() -> None:
    """Each name on its own, and again when the period is over."""
    now = 1_000.0
    throttle = Throttle(60, lambda: now, 10)
    assert throttle.allows("a")
    assert not throttle.allows("a")
    assert throttle.allows("b")
    now += 59
    assert not throttle.allows("a")
    now += 1
    assert throttle.allows("a")


def test_a_forgotten_name_is_allowed_at_once() -> None:
    """What failed may be tried by the next one."""
    throttle = Throttle(60, lambda: 0.0, 10)
    assert throttle.allows("a")
    throttle.forget("a")
    assert throttle.allows("a")
    throttle.forget("never seen")


def test_names_are_bounded() -> None:
    """Of too many names the oldest is allowed again earlier."""
    throttle = Throttle(60, lambda: 0.0, 3)
    assert all(throttle.allows(number) for number in range(4))
    assert throttle.allows(0)
    assert not throttle.allows(3)
