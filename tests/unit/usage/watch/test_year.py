"""A year of a typical instance under watch: planted cases are reported, and nothing else."""

import random
from collections.abc import Callable
from dataclasses import replace

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.keys.model import ApiKey
from ari.usage.watch import scan
from ari.usage.watch.model import Limits
from tests.unit.usage.watch.fakes import FakeUnit, FakeUse

START_MS = 1_800_000_000_000 - 8 * HOUR_MS
"""A Friday, 00:00 UTC."""
HOURS = 365 * 24
Calls = Callable[[int], None]


class Year:
    """An instance with the keys that people have, and one look an hour."""

    def __init__(self) -> None:
        self.unit, self.use, self.chance = FakeUnit(), FakeUse(), random.Random(7)
        self.calls: list[Calls] = []
        self._made = 0

    def key(self, name: str, made_day: int = -60, lives_days: int | None = None) -> str:
        self._made += 1
        key_id = f"key_{self._made:02}_{name}"
        made_ms = START_MS + made_day * DAY_MS
        expires_ms = None if lives_days is None else made_ms + lives_days * DAY_MS
        self.unit.stored[key_id] = ApiKey(key_id, name, "ari_k_…", ("*",), made_ms, "usr_1", expires_ms)
        return key_id

    def revoke(self, key_id: str, now_ms: int) -> None:
        self.unit.stored[key_id] = replace(self.unit.stored[key_id], revoked_at_ms=now_ms)

    def ok(self, key_id: str, now_ms: int, address: str) -> None:
        self.use.call(key_id, now_ms + self.chance.randrange(HOUR_MS - MINUTE_MS), address)

    def run(self, first_day: int = -60) -> list[tuple[str, int]]:
        """The reports, each with its day; the watch begins on day 0."""
        for hour in range(first_day * 24, HOURS):
            now_ms = START_MS + hour * HOUR_MS
            for calls in self.calls:
                calls(now_ms)
            if hour >= 0:
                self._look(now_ms + HOUR_MS)
            if hour % 24 == 0:
                self.use.forget(now_ms - 90 * DAY_MS)
                self.use.refused = [one for one in self.use.refused if one[0] > now_ms - 20 * DAY_MS]
                self.use.attempts = [one for one in self.use.attempts if one[0] > now_ms - DAY_MS]
        return [(event.name, (event.at_ms - START_MS) // DAY_MS) for event in self.unit.events.written]

    def _look(self, now_ms: int) -> None:
        turn = scan.begin(self.unit, now_ms)
        if turn is not None:
            scan.record(self.unit, turn, scan.find(self.unit, self.use, turn, Limits()))


def make_typical_year() -> Year:
    """Ten keys: servers, a nightly job, a monthly one, a build farm in a cloud, a telephone, keys that are rotated."""
    year = Year()
    chance = year.chance
    shop, backup, monthly, builds, phone = (year.key(n) for n in ("shop", "backup", "monthly", "builds", "phone"))
    homes = [f"93.184.216.{n}" for n in (34, 35)]

    def steady(now_ms: int) -> None:
        hour = (now_ms - START_MS) // HOUR_MS
        year.ok(shop, now_ms, chance.choice(homes))
        if hour % 24 == 2:
            year.ok(backup, now_ms, f"198.51.100.{7 + hour // (24 * 30) % 9}")  # its router gets another address
        if hour % (24 * 30) == 5:
            year.ok(monthly, now_ms, "192.0.2.7")
        if hour // 24 % 7 not in (1, 2) and 8 <= hour % 24 < 18:
            year.ok(builds, now_ms, f"13.{chance.randrange(64)}.{chance.randrange(250)}.9")
        if 7 <= hour % 24 < 23 and chance.random() < 0.5:
            year.ok(phone, now_ms, f"80.{chance.randrange(40)}.{chance.randrange(250)}.1")

    year.calls += [steady, _rotation(year), _noise(year, shop)]
    return year


def _rotation(year: Year) -> Calls:
    """Every 75 days a key of 90 days takes the place of the one before, which is revoked the day after."""
    keys: list[str] = []

    def calls(now_ms: int) -> None:
        day, hour = divmod((now_ms - START_MS) // HOUR_MS, 24)
        if hour == 0 and day % 75 == 0:
            keys.append(year.key("rotated", day, 90))
        if hour == 0 and day % 75 == 1 and len(keys) > 1:
            year.revoke(keys[-2], now_ms)
        if hour % 3 == 0 and keys:
            year.ok(keys[-1], now_ms, "203.0.113.20")

    return calls


def _noise(year: Year, key_id: str) -> Calls:
    """What every instance on the Internet sees: scanners, a probe without a key, a program that lacks a scope."""
    chance = year.chance

    def calls(now_ms: int) -> None:
        year.use.attempt(now_ms, "missing", "192.0.2.200", 720)
        for _ in range(chance.randrange(4)):
            address = f"45.{chance.randrange(250)}.{chance.randrange(250)}.3"
            year.use.attempt(now_ms, chance.choice(["unknown", "malformed"]), address, chance.randrange(1, 12))
        if chance.random() < 0.05:
            year.use.call(key_id, now_ms, "93.184.216.34", "insufficient_scope", chance.randrange(1, 20))

    return calls


def test_a_quiet_year_has_no_false_alarm() -> None:
    """Nobody reads the emails of a system that cries wolf."""
    assert make_typical_year().run() == []


def test_what_is_planted_in_the_year_is_reported() -> None:
    """Each once, on its day, and nothing else, except that a dead key still called is reported again."""
    year = make_typical_year()
    leaked, forgotten, dying, idle = (
        year.key("leaked"),
        year.key("forgotten"),
        year.key("dying", -60, 160),  # on day 100
        year.key("idle"),
    )
    year.unit.stored.pop(idle)

    def plant(now_ms: int) -> None:
        day, hour = divmod((now_ms - START_MS) // HOUR_MS, 24)
        if hour == 9 and day < 200:
            year.ok(leaked, now_ms, "192.0.2.50")
        if day == 40 and hour == 3:
            year.ok(leaked, now_ms, "185.220.101.4")
        if hour == 4 and day < 60:
            year.ok(forgotten, now_ms, "192.0.2.51")
        if day == 60 and hour == 5:
            year.revoke(forgotten, now_ms)
        if hour == 4 and 60 < day < 70:
            year.use.call(forgotten, now_ms, "192.0.2.51", "revoked")
        if hour == 12 and day < 110:
            code = "ok" if now_ms < (year.unit.stored[dying].expires_at_ms or 0) else "expired"
            year.use.call(dying, now_ms, "192.0.2.52", code)
        if day == 250 and hour == 2:
            year.use.attempt(now_ms + HOUR_MS - MINUTE_MS, "unknown", "185.220.101.9", 5_000)
        if day == 300 and hour == 2:
            year.use.call(leaked, now_ms + HOUR_MS - MINUTE_MS, "185.220.101.9", "insufficient_scope", 400)

    year.calls.append(plant)
    told = year.run()
    assert [one for one in told if one[0] != "keys_unused"] == [
        ("key_new_address", 40),
        ("dead_key_called", 61),
        ("dead_key_called", 68),
        ("key_expiring", 93),
        ("key_expiring", 98),  # day 99 is a Saturday
        ("key_expired_in_use", 100),
        ("dead_key_called", 107),
        ("refused_burst", 250),
        ("refused_burst", 300),
    ]
    # "leaked" was used last on day 199: it is named on the first of October, and on that of November.
    assert [day for name, day in told if name == "keys_unused"] == [259, 290]
