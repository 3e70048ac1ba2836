"""Email before a key in use expires."""

import pytest

from ari.base.clock import DAY_MS, MINUTE_MS
from ari.keys.listing import LivingKey
from ari.usage.watch.expiring import Use, find_expiring, is_in_use, notify_at_ms
from ari.usage.watch.model import ScanWindow
from tests.unit.usage.watch.samples import LIMITS, LOOK, NOW_MS, at, make_living_key


def find_days(*keys: LivingKey, used_days_ago: float = 1, look: ScanWindow = LOOK) -> list[int]:
    used = {key.id: Use(NOW_MS - int(used_days_ago * DAY_MS)) for key in keys}
    return [one.detail["days"] for one in find_expiring(keys, used, look, LIMITS, set())]


@pytest.mark.parametrize(
    ("expires_at", "told_at"),
    [
        ("2027-01-21T10:00", "2027-01-20T10:00"),  # Thursday: Wednesday
        ("2027-01-23T10:00", "2027-01-22T10:00"),  # Saturday: Friday
        ("2027-01-24T10:00", "2027-01-22T10:00"),  # Sunday: Friday
        ("2027-01-25T10:00", "2027-01-22T10:00"),  # Monday: Friday, the last working day
        ("2027-01-26T10:00", "2027-01-25T10:00"),
    ],
)
def test_the_last_notice_comes_on_a_working_day(expires_at: str, told_at: str) -> None:
    """A key must not die on a Monday with its only word of it sent on the Sunday."""
    assert notify_at_ms(at(expires_at), 1) == at(told_at)
    assert notify_at_ms(at(expires_at), 7) == at(expires_at) - 7 * DAY_MS


def test_it_is_reported_once_per_threshold() -> None:
    """At seven days and at one, not before and not long after; after a pause the nearest line alone."""
    assert find_days(make_living_key(7 * DAY_MS)) == [7]
    assert find_days(make_living_key(7 * DAY_MS + 1)) == find_days(make_living_key(7 * DAY_MS - MINUTE_MS)) == []
    monday = NOW_MS + 3 * DAY_MS
    assert notify_at_ms(monday, 1) == NOW_MS
    assert find_days(make_living_key(3 * DAY_MS)) == [1]
    assert find_days(make_living_key(0)) == find_days(make_living_key(-1)) == []
    long_pause = ScanWindow(LOOK.began_ms, NOW_MS - 8 * DAY_MS, NOW_MS)
    assert find_days(make_living_key(DAY_MS // 2), look=long_pause) == [1]
    assert find_days(make_living_key(5 * DAY_MS), look=long_pause) == [7]


def test_keys_that_need_no_warning_cause_none() -> None:
    """Unused keys, keys without an end, keys made for a few days, lines passed before the watch began."""
    assert find_days(make_living_key(7 * DAY_MS), used_days_ago=3) == [7]
    assert find_days(make_living_key(7 * DAY_MS), used_days_ago=3.1) == []
    assert find_days(make_living_key(None)) == []
    assert find_days(make_living_key(7 * DAY_MS, made_days_ago=0.5)) == []
    assert find_days(make_living_key(7 * DAY_MS), look=ScanWindow(NOW_MS, NOW_MS, NOW_MS)) == []


@pytest.mark.parametrize(
    ("every_days", "idle_days", "in_use"),
    [(1, 2.9, True), (1, 3.1, False), (7, 10, True), (7, 11, False), (31, 34, True), (31, 36, False)],
)
def test_in_use_is_judged_by_how_often_a_key_is_used(every_days: int, idle_days: float, in_use: bool) -> None:
    """Over a weekend always; a monthly script is waited for, a daily one that was moved elsewhere is not."""
    used_ms = NOW_MS - int(idle_days * DAY_MS)
    days = [used_ms - n * every_days * DAY_MS for n in (2, 1, 0)]
    assert is_in_use(Use(used_ms, days), NOW_MS, LIMITS) is in_use


def test_a_threshold_is_reported_once() -> None:
    """What its finding marks is quiet; a new expiry is another matter."""
    key = make_living_key(7 * DAY_MS)
    used = {key.id: Use(NOW_MS)}
    [finding] = find_expiring([key], used, LOOK, LIMITS, set())
    assert find_expiring([key], used, LOOK, LIMITS, set(finding.marks)) == []
    assert find_expiring([key._replace(expires_at_ms=NOW_MS + 7 * DAY_MS - 1)], used, LOOK, LIMITS, set(finding.marks))
