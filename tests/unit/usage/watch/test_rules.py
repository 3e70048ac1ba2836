"""Each rule of the watch by itself: what it tells, and the usual things that it does not."""

from datetime import UTC, datetime

import pytest

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.keys.listing import LivingKey
from ari.keys.model import ApiKey
from ari.usage.model import OTHER_ADDRESSES, Seen
from ari.usage.watch.bursts import AddressBurst, KeyBurst, address_bursts, key_bursts
from ari.usage.watch.dead_calls import DeadCalls, dead_calls
from ari.usage.watch.expired_in_use import expired_in_use
from ari.usage.watch.expiring import Use, expiring, is_in_use, told_at_ms
from ari.usage.watch.model import Finding, Limits, Look
from ari.usage.watch.new_address import NewlySeen, new_address
from ari.usage.watch.unused import keys_unused, month_of

NOW_MS = 1_800_000_000_000
"""A Friday, 08:00 UTC."""
LIMITS = Limits()
LOOK = Look(NOW_MS - 100 * DAY_MS, NOW_MS - MINUTE_MS, NOW_MS)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def a_key(**fields: object) -> ApiKey:
    usual = {"created_at_ms": NOW_MS - 90 * DAY_MS, "created_by": "usr_1", **fields}
    return ApiKey("key_a", "deploy", "ari_k_Ab12…yz89", ("*",), **usual)


def living(expires_in_ms: int | None = None, made_days_ago: float = 90, name: str = "a") -> LivingKey:
    expires_at_ms = None if expires_in_ms is None else NOW_MS + expires_in_ms
    return LivingKey(f"key_{name}", name, "ari_k_…", NOW_MS - int(made_days_ago * DAY_MS), expires_at_ms)


def days_told(*keys: LivingKey, used_days_ago: float = 1, look: Look = LOOK) -> list[int]:
    used = {key.id: Use(NOW_MS - int(used_days_ago * DAY_MS)) for key in keys}
    return [one.detail["days"] for one in expiring(keys, used, look, LIMITS, set())]


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
    assert told_at_ms(at(expires_at), 1) == at(told_at)
    assert told_at_ms(at(expires_at), 7) == at(expires_at) - 7 * DAY_MS


def test_expiring_is_told_when_its_line_is_passed() -> None:
    """At seven days and at one, not before and not long after; after a pause the nearest line alone."""
    assert days_told(living(7 * DAY_MS)) == [7]
    assert days_told(living(7 * DAY_MS + 1)) == days_told(living(7 * DAY_MS - MINUTE_MS)) == []
    monday = NOW_MS + 3 * DAY_MS
    assert told_at_ms(monday, 1) == NOW_MS
    assert days_told(living(3 * DAY_MS)) == [1]
    assert days_told(living(0)) == days_told(living(-1)) == []
    long_pause = Look(LOOK.began_ms, NOW_MS - 8 * DAY_MS, NOW_MS)
    assert days_told(living(DAY_MS // 2), look=long_pause) == [1]
    assert days_told(living(5 * DAY_MS), look=long_pause) == [7]


def test_expiring_says_nothing_of_what_nobody_would_miss_or_everybody_knows() -> None:
    """Unused keys, keys without an end, keys made for a few days, lines passed before the watch began."""
    assert days_told(living(7 * DAY_MS), used_days_ago=3) == [7]
    assert days_told(living(7 * DAY_MS), used_days_ago=3.1) == []
    assert days_told(living(None)) == []
    assert days_told(living(7 * DAY_MS, made_days_ago=0.5)) == []
    assert days_told(living(7 * DAY_MS), look=Look(NOW_MS, NOW_MS, NOW_MS)) == []


@pytest.mark.parametrize(
    ("every_days", "idle_days", "in_use"),
    [(1, 2.9, True), (1, 3.1, False), (7, 10, True), (7, 11, False), (31, 34, True), (31, 36, False)],
)
def test_in_use_is_judged_by_how_often_a_key_is_used(every_days: int, idle_days: float, in_use: bool) -> None:
    """Over a weekend always; a monthly script is waited for, a daily one that was moved elsewhere is not."""
    used_ms = NOW_MS - int(idle_days * DAY_MS)
    days = [used_ms - n * every_days * DAY_MS for n in (2, 1, 0)]
    assert is_in_use(Use(used_ms, days), NOW_MS, LIMITS) is in_use


def test_expiring_is_told_once() -> None:
    """What its finding marks is quiet; a new expiry is another matter."""
    key = living(7 * DAY_MS)
    used = {key.id: Use(NOW_MS)}
    [finding] = expiring([key], used, LOOK, LIMITS, set())
    assert expiring([key], used, LOOK, LIMITS, set(finding.marks)) == []
    assert expiring([key._replace(expires_at_ms=NOW_MS + 7 * DAY_MS - 1)], used, LOOK, LIMITS, set(finding.marks))


def dead(**fields: object) -> DeadCalls:
    key = fields.pop("key", a_key(revoked_at_ms=NOW_MS - 2 * DAY_MS))
    usual = {
        "key": key,
        "code": "revoked",
        "last_at_ms": NOW_MS,
        "calls": 4,
        "calls_before": 0,
        "used_at_ms": NOW_MS - 3 * DAY_MS,
        "addresses": tuple(f"192.0.2.{n}" for n in range(9)),
    }
    return DeadCalls(**{**usual, **fields})


def test_dead_calls_are_told_after_the_first_hour() -> None:
    """With how many, since when and from where; the five latest addresses are enough."""
    [finding] = dead_calls([dead()], LIMITS, set())
    assert (finding.name, finding.subject) == ("dead_key_called", "key_a")
    assert finding.detail["count"] == 4
    assert len(finding.detail["addresses"]) == 5
    assert dead_calls([dead(last_at_ms=NOW_MS - 2 * DAY_MS + HOUR_MS)], LIMITS, set()) == []
    assert dead_calls([dead(calls_before=1)], LIMITS, set()) == []
    assert dead_calls([dead()], LIMITS, set(finding.marks)) == []


def told_days(called: range) -> list[int]:
    """The days on which calls on those days are told of, by marks that lapse as those of the store do."""
    until_ms: dict[str, int] = {}
    told = []
    for day in called:
        now_ms = NOW_MS + day * DAY_MS
        quiet = {mark for mark, end_ms in until_ms.items() if end_ms > now_ms}
        for finding in dead_calls([dead(last_at_ms=now_ms)], LIMITS, quiet):
            told.append(day)
            until_ms.update({mark: now_ms + length_ms for mark, length_ms in finding.marks.items()})
    return told


def test_dead_calls_that_go_on_are_told_of_ever_more_rarely() -> None:
    """After one week, two, then every four: nobody needs 52 mails about one forgotten machine."""
    assert told_days(range(130)) == [0, 7, 21, 49, 77, 105]
    assert told_days(range(0, 400, 30)) == list(range(0, 400, 30))


def test_dead_calls_after_a_silence_begin_anew() -> None:
    """Who calls again after months is news again, and told of after a week."""
    [first] = dead_calls([dead()], LIMITS, set())
    memory = max(first.marks.values())
    assert min(first.marks.values()) == 7 * DAY_MS
    assert memory == 35 * DAY_MS
    [second] = dead_calls([dead()], LIMITS, set(first.marks) - {"dead:key_a"})
    assert second.marks["dead:key_a"] == 14 * DAY_MS
    [third] = dead_calls([dead()], LIMITS, (set(first.marks) | set(second.marks)) - {"dead:key_a"})
    assert sorted(third.marks.values()) == [28 * DAY_MS, 56 * DAY_MS]


def test_an_expired_key_is_told_of_as_such_only_if_it_was_in_use() -> None:
    """And only if it expired under our eyes; a revoked one never is."""
    expired = a_key(expires_at_ms=NOW_MS - HOUR_MS)
    told = expired_in_use([dead(key=expired, code="expired")], LOOK, LIMITS, set())
    assert [one.name for one in told] == ["key_expired_in_use"]
    assert expired_in_use([dead(key=expired, code="expired")], LOOK, LIMITS, set(told[0].marks)) == []
    assert dead_calls([dead(key=expired, code="expired", last_at_ms=NOW_MS)], LIMITS, set(told[0].marks)) == []
    for silent in (
        dead(key=expired, code="expired", used_at_ms=None),
        dead(key=expired, code="expired", used_at_ms=NOW_MS - 37 * DAY_MS),
        dead(key=a_key(expires_at_ms=LOOK.began_ms - 1), code="expired", used_at_ms=LOOK.began_ms - 2),
        dead(),
    ):
        assert expired_in_use([silent], LOOK, LIMITS, set()) == []


def seen(address: str, days_ago: float) -> Seen:
    at_ms = NOW_MS - int(days_ago * DAY_MS)
    return Seen(address, 1, 0, at_ms, NOW_MS)


def addresses_told(fresh: list[Seen], known: list[Seen], limits: Limits = LIMITS, look: Look = LOOK) -> list[str]:
    found = new_address([NewlySeen(a_key(), fresh, [*known, *fresh])], look, limits, set())
    return [one.detail["address"] for one in found]


def test_a_new_network_is_news() -> None:
    """Of IPv4 and IPv6; several addresses of it are one piece of news; an address by itself where that is asked for."""
    home = [seen("192.0.2.7", 20), seen("2001:db8:1::7", 20)]
    assert addresses_told([seen("203.0.113.5", 0.01)], home) == ["203.0.113.5"]
    assert addresses_told([seen("2001:db8:2::1", 0.01)], home) == ["2001:db8:2::1"]
    assert addresses_told([seen("203.0.113.5", 0.02), seen("203.0.113.6", 0.01)], home) == ["203.0.113.5"]
    assert addresses_told([seen("192.0.2.8", 0.01), seen("2001:db8:1:9::1", 0.01)], home) == []
    assert addresses_told([seen("192.0.2.8", 0.01)], home, Limits(new_from="address")) == ["192.0.2.8"]


def test_when_a_new_network_is_no_news() -> None:
    """The first day; a wandering key; before the watch; addresses that are not told apart; a socket's name."""
    home = [seen("192.0.2.7", 20)]
    new = [seen("203.0.113.5", 0.01)]
    assert addresses_told(new, [seen("192.0.2.7", 0.9)]) == []
    assert addresses_told(new, [seen(f"10.0.{n}.1", 20) for n in range(5)]) == []
    assert addresses_told(new, home, look=Look(NOW_MS, NOW_MS, NOW_MS)) == []
    assert addresses_told([seen("other", 0.01)], home) == []
    assert addresses_told(new, [seen("other", 20)]) == []
    assert addresses_told([seen("unix socket", 0.01)], home) == ["unix socket"]
    dead_one = NewlySeen(a_key(revoked_at_ms=NOW_MS - 1), new, [*home, *new])
    assert new_address([dead_one], LOOK, LIMITS, set()) == []


def test_a_log_that_keeps_networks_from_now_on_tells_nothing_new() -> None:
    """The network of a known address is known; a wider one that holds none of them is not."""
    home = [seen("192.0.2.7", 20)]
    assert addresses_told([seen("192.0.2.0/24", 0.01)], home) == []
    assert addresses_told([seen("203.0.113.0/24", 0.01)], home) == ["203.0.113.0/24"]


def test_bursts_begin_at_their_number() -> None:
    """On keys and from addresses; what is quiet is left out, also of a sum."""
    burst = KeyBurst(a_key(), 100, ["insufficient_scope"], ["192.0.2.7"])
    [finding] = key_bursts([burst], LIMITS, set())
    assert finding.detail["minutes"] == 10
    assert key_bursts([burst._replace(refused=99)], LIMITS, set()) == []
    assert key_bursts([burst], LIMITS, set(finding.marks)) == []
    loud, louder = AddressBurst("192.0.2.1", 100, ["unknown"]), AddressBurst("192.0.2.2", 500, ["malformed"])
    [finding] = address_bursts([loud, louder, loud._replace(address="192.0.2.3", refused=99)], LIMITS, set())
    assert finding.detail == {
        "count": 600,
        "minutes": 10,
        "addresses": ["192.0.2.2", "192.0.2.1"],
        "codes": ["malformed", "unknown"],
    }
    assert address_bursts([loud, louder], LIMITS, set(finding.marks)) == []
    assert address_bursts([loud, louder], LIMITS, {"burst:192.0.2.2"})[0].detail["count"] == 100
    [spread] = address_bursts([AddressBurst(OTHER_ADDRESSES, 5_000, ["unknown"])], LIMITS, set())
    assert spread.detail["addresses"] == []


def test_unused_keys_are_told_when_one_more_went_idle() -> None:
    """Those idle for the shortest time reached; not more than twenty by name; silent while nothing changes."""
    month = Look(LOOK.began_ms, NOW_MS - 30 * DAY_MS, NOW_MS)
    keys = [living(made_days_ago=31, name=f"n{n}") for n in range(30)] + [living(made_days_ago=300, name="old")]
    [finding] = keys_unused(keys, {}, month, LIMITS)
    assert (finding.detail["days"], finding.detail["count"]) == (30, 31)
    assert len(finding.detail["keys"]) == 20
    assert finding.detail["keys"][0] == {"id": "key_old", "name": "old", "hint": "ari_k_…", "last_used_at": None}
    assert keys_unused(keys[-1:], {}, month, LIMITS) == []
    [later] = keys_unused([living(made_days_ago=300)], {"key_a": NOW_MS - 91 * DAY_MS}, month, LIMITS)
    assert (later.detail["days"], later.detail["keys"][0]["last_used_at"]) == (90, "2026-10-16T08:00:00.000Z")


def test_months_are_those_of_the_calendar() -> None:
    """In UTC."""
    assert month_of(NOW_MS) == "2027-01"
    assert month_of(at("2027-01-31T23:59:59")) < month_of(at("2027-02-01T00:00:00"))


def test_a_finding_is_quiet_by_its_own_mark() -> None:
    """The first one; the others only keep further rules quiet."""
    finding = Finding("key_expired_in_use", None, {}, {"own": 1, "other": 1})
    assert finding.is_quiet({"own"})
    assert not finding.is_quiet({"other"})
