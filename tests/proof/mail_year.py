"""400 days of a typical instance in seconds: its owner, its keys, what goes wrong, and the emails that come of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ari import keys
from ari.accounts import sign_in, two_factor
from ari.accounts.model import Account
from ari.base.caller import SYSTEM, Caller
from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.base.events import Event, Origin
from ari.base.ids import new_id
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.mail import round_of_mail
from ari.jobs.watch import scan_once
from ari.keys import KeyChange, NewKey
from ari.keys.model import ApiKey
from ari.notifications import delivery_history
from ari.usage.model import Attempt, UsageRow
from ari.usage.ports import Batch
from tests.support.clock import FrozenClock
from tests.support.resend import StandIn
from tests.support.usage import make_row

DAYS = 400
START_MS = 1_798_761_600_000
"""Fri 1 Jan 2027, 00:00 UTC."""
OWNER = Account("usr_1", "owner@example.com", "a hash", START_MS)
HOME = Origin("web", "198.51.100.4", "Mozilla/5.0 Firefox/148.0")
DESK, SERVER, CAFE, THIEF = "198.51.100.4", "192.0.2.10", "203.0.113.77", "203.0.113.200"


@dataclass(frozen=True)
class SentEmail:
    """An email: on which day of the run, of what kind, about what."""

    day: int
    kind: str
    subject: str
    state: str


@dataclass
class World:
    """The instance, its keys by name, and what is planned: work by day."""

    instance: Instance
    service: StandIn
    runner: asyncio.Runner
    keys: dict[str, ApiKey] = field(default_factory=dict)
    plans: dict[int, list[Callable[[], None]]] = field(default_factory=dict)
    day: int = 0
    _current: dict[str, ApiKey] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.instance.clock = self.instance.database.clock = self.clock = FrozenClock(START_MS)
        self.service.now = lambda: self.clock.now_ms() / 1000
        with self.instance.database.writing() as unit:
            unit.accounts.add_owner(OWNER)

    def live_year(self) -> None:
        """All days: calls at night and in the afternoon, what is planned at ten, and the jobs when there is news."""
        for self.day in range(DAYS):
            self._wait_until(3)
            self._call_as_usual()
            self._wait_until(10)
            for plan in self.plans.get(self.day, ()):
                plan()
                self._current.clear()
                self.jobs()
            self._wait_until(15)
            self._call_as_usual()
            self.jobs()
            for _ in range(40):
                if not self._has_waiting():
                    break
                self.clock.advance(20 * 60)
                self.jobs()

    def _has_waiting(self) -> bool:
        far_ms = self.clock.now_ms() + 30 * DAY_MS
        return bool(Deps(self.instance).read_sync(lambda unit: unit.outbox.has_due(far_ms, 30 * DAY_MS)))

    def plan(self, day: int, work: Callable[[], None]) -> None:
        """Do this on that day at ten."""
        self.plans.setdefault(day, []).append(work)

    def jobs(self) -> None:
        """The server's jobs, as often as it takes until nothing is left to do."""
        self.clock.advance(61)
        Deps(self.instance).do_sync(keys.stamp_expired)
        scan_once(self.instance)
        self.runner.run(round_of_mail(self.instance))

    def create(self, name: str, expires: str | None, *scopes: str) -> None:
        """The owner makes a key."""
        new = NewKey(name, expires=expires, scopes=scopes or None)
        self.keys[name] = Deps(self.instance, self.owner).do_sync(keys.create, new).key

    def widen(self, name: str, *scopes: str) -> None:
        """The owner lets a key do more."""
        change = KeyChange(scopes=scopes)
        Deps(self.instance, self.owner).do_sync(keys.change, self.keys[name].id, change)

    def extend(self, name: str) -> None:
        """The owner gives a key another year."""
        change = KeyChange(expires_at_ms=self.clock.now_ms() + 365 * DAY_MS)
        Deps(self.instance, self.owner).do_sync(keys.change, self.keys[name].id, change)

    def revoke(self, name: str, reason: str | None = None) -> None:
        """The owner revokes a key."""
        Deps(self.instance, self.owner).do_sync(keys.revoke, self.keys[name].id, reason)

    def call(self, name: str, address: str = SERVER, count: int = 1) -> None:
        """Calls with a key."""
        self.instance.database.usage.commit(Batch(self._rows(name, address, count)))

    def _rows(self, name: str, address: str, count: int) -> list[UsageRow]:
        """The rows of calls, refused by what the key is at this moment: only the owner at ten changes it."""
        key, now_ms = self.keys[name], self.clock.now_ms()
        if key.id not in self._current:
            self._current[key.id] = Deps(self.instance).read_sync(lambda unit: unit.keys.get(key.id)) or key
        current = self._current[key.id]
        expired = current.expires_at_ms is not None and now_ms >= current.expires_at_ms
        code = "revoked" if current.revoked_at_ms is not None else "expired" if expired else "ok"
        about = {"key_id": key.id, "key_hint": key.hint, "client_address": address, "code": code}
        return [make_row(now_ms + n, status=200 if code == "ok" else 401, **about) for n in range(count)]

    def guess(self, address: str, count: int) -> None:
        """Somebody tries keys that do not exist."""
        minute_ms = self.clock.now_ms() // MINUTE_MS * MINUTE_MS
        self.instance.database.usage.commit(Batch([], [], [Attempt(minute_ms, "unknown", address, count)]))

    def sign_in(self, *, known: bool) -> None:
        """The owner signs in, in a browser that is known or not."""
        token = "d" * 43 if known else None
        visitor = Deps(self.instance, Caller("visitor", HOME, scopes=()))
        visitor.do_sync(sign_in.open_session, OWNER, token)

    def turn_two_factor_off(self) -> None:
        """The owner turns two-factor on and, later that day, off."""
        from ari.accounts.model import TwoFactor

        self._command(lambda unit: unit.second_step.set_two_factor(TwoFactor(OWNER.id, self.clock.now_ms(), 1)))
        Deps(self.instance, self.owner).do_sync(two_factor.turn_off, OWNER.id)

    def reject_provider_key(self) -> None:
        """The gateway finds that a provider refuses its key."""
        now_ms, detail = self.clock.now_ms(), {"provider": "OpenAI", "status": 401}
        event = Event(new_id("evt", now_ms), now_ms, "provider_key_rejected", "system", "openai", SYSTEM.origin, detail)
        self._command(lambda unit: unit.events.append(event))

    @property
    def owner(self) -> Caller:
        """The owner at home."""
        return Caller(OWNER.id, HOME)

    def emails(self) -> list[SentEmail]:
        """The owner's emails, in the order of the events."""
        notices = []
        before: str | None = None
        while page := Deps(self.instance).read_sync(delivery_history.read_history, before, 200):
            notices += page
            before = page[-1].id
        ordered = sorted(notices, key=lambda one: (one.at_ms, one.subject))
        return [SentEmail((one.at_ms - START_MS) // DAY_MS, one.kind, one.subject, one.state) for one in ordered]

    def _call_as_usual(self) -> None:
        """Each key as it is used: the backup at night, the pipeline on workdays, the app from many places."""
        weekday = datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC).weekday()
        night = self.clock.now_ms() % DAY_MS < 12 * HOUR_MS
        day, workday = self.day, not night and weekday < 5
        users = {
            "Nightly backup": night and day <= 150,
            "Nightly backup 2": night and day > 150,
            "CI deploy": workday and day < 83,
            "CI deploy 2": workday and 83 <= day < 181,
            "CI deploy 3": workday and day >= 181,
            "Mobile app": True,
            "Old importer": night and day < 20,
            "Monthly report": night and day % 30 == 2,
        }
        rows = []
        for name, used in users.items():
            if used and name in self.keys:
                rows += self._rows(name, f"198.51.{day % 9}.7" if name == "Mobile app" else SERVER, 2)
        self.instance.database.usage.commit(Batch(rows))

    def _wait_until(self, hour: int) -> None:
        ahead_ms = START_MS + self.day * DAY_MS + hour * HOUR_MS - self.clock.now_ms()
        self.clock.advance(max(0, ahead_ms) / 1000)

    def _command(self, work: Callable[[Any], Any]) -> Any:
        return Deps(self.instance).do_sync(work)


def plan_typical_days(world: World) -> None:
    """What happens on which day; days without a plan are quiet."""
    for day, name, expires in (
        (0, "Nightly backup", None),
        (0, "CI deploy", "90d"),
        (0, "Mobile app", "1y"),
        (0, "Old importer", None),
        (0, "Monthly report", None),
        (5, "One-off", "1h"),
        (83, "CI deploy 2", "90d"),  # notified a week before, the owner made a successor in time
        (181, "CI deploy 3", "never"),  # this time only when the deploys had failed for a week
    ):
        world.plan(day, partial(world.create, name, expires))
    world.plan(5, lambda: world.call("One-off", DESK, 3))
    world.plan(60, lambda: world.guess(THIEF, 450))
    world.plan(0, lambda: world.sign_in(known=False))
    world.plan(100, lambda: world.sign_in(known=False))
    world.plan(120, lambda: world.widen("Monthly report", "api:read", "usage:read"))
    world.plan(150, lambda: world.call("Nightly backup", CAFE, 4))
    world.plan(150, lambda: world.create("Nightly backup 2", None))
    world.plan(150, lambda: world.revoke("Nightly backup", "Used from an address that nobody knows"))
    for day in range(151, 180):  # reported three times, in growing pauses
        world.plan(day, lambda: world.call("Nightly backup", CAFE, 25))
    world.plan(160, lambda: world.revoke("Old importer"))
    world.plan(250, world.turn_two_factor_off)
    world.plan(270, world.reject_provider_key)
    world.plan(300, lambda: world.service.faults.extend(["500"] * 4))
    world.plan(300, lambda: world.widen("Mobile app", "api:read", "keys:read"))
    world.plan(320, lambda: world.service.faults.extend(["500"] * 2_000))
    world.plan(320, lambda: world.sign_in(known=False))
    world.plan(322, world.service.faults.clear)
    world.plan(359, lambda: world.extend("Mobile app"))


def table(emails: list[SentEmail]) -> str:
    """The emails as a table of the docs."""
    rows = [f"| {one.day} | {one.subject}{'' if one.state == 'sent' else f' — {one.state}'} |" for one in emails]
    return "\n".join(["| Day | Email |", "|---:|---|", *rows]) + "\n"
