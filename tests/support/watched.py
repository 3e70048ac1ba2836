"""An instance whose traffic is watched."""

from typing import Any

from ari import keys
from ari.base.events import Event
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.watch import scan_once
from ari.keys.model import ApiKey
from tests.support.commands import clock_of
from tests.support.past import Past

TOLD = ("key_expiring", "key_expired_in_use", "dead_key_called", "key_new_address", "refused_burst", "keys_unused")


class World:
    """An instance that has been watched for a while, its clock, and what happened."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.watch()
        self.pass_time(days=3)
        self.watch()

    @property
    def past(self) -> Past:
        return Past(self.instance.database, self.instance.now_ms())

    def key(self, name: str, days_ago: float = 60, lives_days: float | None = None) -> ApiKey:
        return self.past.key(name, days_ago, lives_days)

    def use(self, key: ApiKey, count: int = 1, days_ago: float = 0, **fields: Any) -> None:
        self.past.requests(key, days_ago, count, **fields)

    def revoke(self, key: ApiKey) -> None:
        Deps(self.instance).do_sync(keys.revoke, key.id)

    def pass_time(self, **lengths: float) -> None:
        units = {"days": 86_400, "hours": 3_600, "minutes": 60}
        clock_of(self.instance).advance(sum(units[unit] * length for unit, length in lengths.items()))

    def watch(self, **lengths: float) -> list[Event]:
        """ScanWindow after some time; the events that came of it."""
        before = {event.id for event in self.events()}
        self.pass_time(**(lengths or {"minutes": 1}))
        scan_once(self.instance)
        return [event for event in self.events() if event.id not in before]

    def events(self) -> list[Event]:
        found = Deps(self.instance).read_sync(lambda unit: unit.events.page(None, None, 500))
        return [event for event in found if event.name in TOLD]
