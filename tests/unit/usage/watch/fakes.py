"""The watch's view of an instance in memory, so that a year of it passes in a second."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.keys.listing import Cursor, KeyCounts, KeyFilter, LivingKey, Order
from ari.keys.model import ApiKey, Consumer
from ari.keys.reasons import ACCEPTED
from ari.usage.model import KeyClient, SecretUse
from ari.usage.watch.bursts import AddressBurst
from ari.usage.watch.dead_calls import CODES
from ari.usage.watch.ports import KeyRefusals, LateKey
from ari.usage.watch.retiring import RetiringSecret
from tests.unit.keys.memory import MemoryEvents


class FakeUse:
    """Counts as the log does; fulfils ``WatchedUse``."""

    def __init__(self) -> None:
        self.used: dict[str, int] = {}
        self.first: dict[str, int] = {}
        self.days: dict[str, set[int]] = defaultdict(set)
        self.seen: dict[str, dict[str, KeyClient]] = defaultdict(dict)
        self.refused: list[tuple[int, str, str, int]] = []
        self.attempts: list[tuple[int, str, str, int]] = []

    def fold(self) -> None:
        """Everything is counted at once."""

    def call(self, key_id: str, at_ms: int, address: str, code: str = ACCEPTED, count: int = 1) -> None:
        accepted = code == ACCEPTED
        if accepted:
            self.used[key_id] = at_ms
            self.first.setdefault(key_id, at_ms)
            self.days[key_id].add(at_ms - at_ms % DAY_MS)
        else:
            self.refused.append((at_ms, key_id, code, count))
        before = self.seen[key_id].get(address) or KeyClient(address, 0, 0, at_ms, at_ms)
        self.seen[key_id][address] = replace(
            before,
            accepted_count=before.accepted_count + count * accepted,
            refused_count=before.refused_count + count * (not accepted),
            last_seen_at_ms=at_ms,
        )

    def attempt(self, at_ms: int, reason: str, address: str, count: int = 1) -> None:
        self.attempts.append((at_ms, reason, address, count))

    def forget(self, before_ms: int) -> None:
        for seen in self.seen.values():
            for address in [one.value for one in seen.values() if one.last_seen_at_ms < before_ms]:
                del seen[address]

    def late_keys(self, since_ms: int) -> list[LateKey]:
        found = {key: LateKey(key, code, at) for at, key, code, _ in self._since(since_ms) if code in CODES}
        return list(found.values())

    def secret_use(self, key_id: str, number: int) -> SecretUse:
        """As if every request had this secret."""
        return SecretUse(1, 0, self.used.get(key_id), list(self.seen[key_id].values()), [], True)

    def count_refused(self, key_id: str, codes: Sequence[str], since_ms: int, until_ms: int) -> int:
        low, high = since_ms - since_ms % HOUR_MS, until_ms - until_ms % HOUR_MS
        return sum(n for at, key, code, n in self.refused if key == key_id and code in codes and low <= at < high)

    def list_refused_addresses(self, key_id: str, since_ms: int, limit: int) -> list[str]:
        found = [one for one in self.seen[key_id].values() if one.refused_count and one.last_seen_at_ms >= since_ms]
        return [one.value for one in sorted(found, key=lambda one: -one.last_seen_at_ms)][:limit]

    def last_used(self, key_ids: Sequence[str]) -> dict[str, int]:
        return {key_id: self.used[key_id] for key_id in key_ids if key_id in self.used}

    def days_used(self, key_ids: Sequence[str], since_ms: int) -> dict[str, list[int]]:
        return {key_id: sorted(day for day in self.days[key_id] if day >= since_ms) for key_id in key_ids}

    def last_uses(self) -> dict[str, int]:
        return dict(self.used)

    def list_new_addresses(self, used_since_ms: int, first_since_ms: int, limit: int) -> dict[str, list[KeyClient]]:
        found = {
            key_id: [
                one
                for one in self.seen[key_id].values()
                if one.accepted_count
                and one.first_seen_at_ms >= first_since_ms
                and one.last_seen_at_ms >= used_since_ms
            ]
            for key_id, used_ms in self.used.items()
            if used_ms >= used_since_ms and self.first[key_id] < first_since_ms
        }
        return {key_id: seen for key_id, seen in found.items() if seen}

    def list_addresses(self, key_id: str, limit: int) -> list[KeyClient]:
        return sorted(self.seen[key_id].values(), key=attrgetter("first_seen_at_ms"))[:limit]

    def refusals(self, since_ms: int, *, with_key: bool, codes: Sequence[str]) -> int:
        low = since_ms - since_ms % HOUR_MS
        rows = (
            [(at, code, n) for at, _, code, n in self.refused]
            if with_key
            else [(a, r, n) for a, r, _, n in self.attempts]
        )
        return sum(n for at, code, n in rows if at >= low and code in codes)

    def list_refused_keys(self, since_ms: int, codes: Sequence[str], least: int) -> list[KeyRefusals]:
        counts: dict[str, int] = defaultdict(int)
        for _, key_id, code, n in self._since(since_ms):
            counts[key_id] += n * (code in codes)
        return [KeyRefusals(key_id, n, codes) for key_id, n in counts.items() if n >= least]

    def loud_addresses(self, since_ms: int, codes: Sequence[str], least: int, limit: int) -> list[AddressBurst]:
        counts: dict[str, int] = defaultdict(int)
        for at_ms, reason, address, n in self.attempts:
            counts[address] += n * (reason in codes and at_ms >= since_ms - since_ms % MINUTE_MS)
        return [AddressBurst(address, n, codes) for address, n in counts.items() if n >= least]

    def _since(self, since_ms: int) -> list[tuple[int, str, str, int]]:
        return [one for one in self.refused if one[0] >= since_ms]


class FakeListing:
    """Fulfils ``KeyListing``; the watch asks it only for the keys that work."""

    def __init__(self) -> None:
        self.stored: dict[str, ApiKey] = {}

    def run(self, where: KeyFilter, order: Order, after: Cursor | None, limit: int) -> list[ApiKey]:
        raise NotImplementedError

    def count(self, where: KeyFilter) -> int:
        raise NotImplementedError

    def among(self, where: KeyFilter, key_ids: Sequence[str]) -> list[ApiKey]:
        raise NotImplementedError

    def counts(self, now_ms: int) -> KeyCounts:
        raise NotImplementedError

    def list_tags(self, limit: int) -> list[str]:
        raise NotImplementedError

    def list_active(self, now_ms: int, limit: int) -> list[LivingKey]:
        return [
            LivingKey(key.id, key.name, key.hint, key.created_at_ms, key.expires_at_ms)
            for key in self.stored.values()
            if key.status(now_ms) == "active"
        ]


class NoConsumers:
    """An instance without consumers."""

    def get(self, consumer_id: str) -> Consumer | None:
        return None


class FakeUnit:
    """Keys, marks, key-value entries and events; fulfils ``WatchTransaction``."""

    def __init__(self) -> None:
        self.listing = FakeListing()
        self.consumers = NoConsumers()
        self.stored = self.listing.stored
        self.retiring: list[RetiringSecret] = []
        self.events = MemoryEvents()
        self._until: dict[str, int] = {}
        self._values: dict[str, str] = {}

    @property
    def watch(self) -> "FakeUnit":
        return self

    key_value = watch

    def get(self, name: str) -> str | None:
        return self._values.get(name)

    def swap(self, name: str, before: str | None, after: str) -> bool:
        if self._values.get(name) != before:
            return False
        self._values[name] = after
        return True

    def list_muted(self, now_ms: int) -> set[str]:
        return {mark for mark, until_ms in self._until.items() if until_ms > now_ms}

    def mute(self, until_ms: Mapping[str, int]) -> None:
        self._until.update(until_ms)

    def forget(self, now_ms: int) -> None:
        self._until = {mark: until_ms for mark, until_ms in self._until.items() if until_ms > now_ms}

    def keys(self, key_ids: Sequence[str]) -> dict[str, ApiKey]:
        return {key_id: self.stored[key_id] for key_id in key_ids if key_id in self.stored}

    def list_retiring(self, until_ms: int, now_ms: int) -> list[RetiringSecret]:
        return [secret for secret in self.retiring if now_ms < secret.retires_at_ms <= until_ms]

    def list_expiring(self, since_ms: int, until_ms: int, now_ms: int) -> list[LivingKey]:
        return [key for key in self.listing.list_active(now_ms, 0) if since_ms < (key.expires_at_ms or 0) <= until_ms]
