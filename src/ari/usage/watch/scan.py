"""A scan of what happened since the last one, about once a minute, in the background.

::

    due = begin(tx, now_ms)                  None if another process has just scanned
    findings = find(tx, use, due, limits)    reads only
    record(tx, due, findings)                one transaction: events, muted marks and the time of this scan

If several processes scan at once, one of them records: the time of the last scan is moved in the transaction of the
events, and a process whose starting point has moved records nothing. The next scan covers an interrupted one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ari.base.caller import SYSTEM
from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.base.events import Event
from ari.base.ids import is_id, new_id
from ari.keys.limits.charge import RuleOwner
from ari.usage.watch import bursts
from ari.usage.watch.budget_warnings import BudgetWarning, compare_to_limits, find_budget_warnings
from ari.usage.watch.bursts import KeyBurst, find_address_bursts, find_key_bursts
from ari.usage.watch.dead_calls import CODES, DeadCalls, dead_mark, find_dead_calls, find_end_ms
from ari.usage.watch.expired_in_use import find_expired_in_use
from ari.usage.watch.expiring import DAYS, MAX_EARLIER_MS, Use, find_due_days, find_expiring
from ari.usage.watch.model import MAX_ADDRESSES, Limits, ScanWindow, WatchFinding, describe_key
from ari.usage.watch.new_address import FRESH_MS, NewAddresses, find_new_addresses
from ari.usage.watch.ports import WatchedUse, WatchTransaction
from ari.usage.watch.retiring import MAX_LEAD_MS, find_retiring
from ari.usage.watch.unused import find_unused, month_of

EVERY_MS = MINUTE_MS
LATE_MS = 10 * MINUTE_MS
"""How much later than its request a row can be counted and still be found."""
_FURTHEST_MS = DAY_MS
"""How far back the log is scanned after a pause."""
_RHYTHM_MS = 120 * DAY_MS
"""How far back the intervals between uses of a key are read."""
_MAX_KEYS = 200
"""Per rule and scan; the next scan finds others that are still used."""
_MAX_SEEN = 1_000
"""Addresses read: fresh ones of all keys, known ones of each."""
_ALL_KEYS = 20_000
_WATCH_KEY = "watch"


@dataclass(frozen=True, slots=True)
class WatchState:
    """When the watch began, when it last scanned, and when it last reported unused keys."""

    began_ms: int
    scanned_ms: int
    unused_ms: int

    @classmethod
    def parse(cls, text: str) -> "WatchState":
        return cls(*map(int, text.split()))

    def __str__(self) -> str:
        return f"{self.began_ms} {self.scanned_ms} {self.unused_ms}"


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan that is due; ``before`` is the stored state. The first scan only stores when the watch began."""

    before: str | None
    state: WatchState
    now_ms: int

    @property
    def window(self) -> ScanWindow:
        return ScanWindow(self.state.began_ms, min(self.state.scanned_ms, self.now_ms), self.now_ms)

    @property
    def ends_a_month(self) -> bool:
        """Whether a month began since the last report of unused keys."""
        return month_of(self.state.unused_ms) < month_of(self.now_ms)


def begin(tx: WatchTransaction, now_ms: int) -> Scan | None:
    """The scan that is due now, if any. A clock that was set back doesn't stop the watch."""
    stored = tx.key_value.get(_WATCH_KEY)
    if stored is None:
        return Scan(None, WatchState(now_ms, now_ms, now_ms), now_ms)
    state = WatchState.parse(stored)
    return Scan(stored, state, now_ms) if abs(now_ms - state.scanned_ms) >= EVERY_MS else None


def find_scanned_ms(tx: WatchTransaction) -> int | None:
    """When the last scan was; ``None`` before the first."""
    stored = tx.key_value.get(_WATCH_KEY)
    return None if stored is None else WatchState.parse(stored).scanned_ms


def find(tx: WatchTransaction, use: WatchedUse, due: Scan, limits: Limits) -> list[WatchFinding]:
    """All findings that aren't muted. Raises ``Unavailable``."""
    if due.before is None:
        return []
    window, muted = due.window, tx.watch.list_muted(due.now_ms)
    log_since_ms = max(window.since_ms - LATE_MS, window.now_ms - _FURTHEST_MS)
    late = _find_dead_calls(tx, use, log_since_ms, window, muted)
    found = _find_expiring(tx, use, window, limits, muted)
    found += _find_retiring(tx, use, window, muted)
    found += find_expired_in_use(late, window, limits, muted)
    reported = muted.union(*(one.marks for one in found))
    found += find_dead_calls(late, limits, reported)
    found += find_new_addresses(_find_new_addresses(tx, use, log_since_ms), window, limits, reported)
    found += find_key_bursts(_find_key_bursts(tx, use, window, limits), limits, reported)
    found += find_address_bursts(_loud_addresses(use, window, limits), limits, reported)
    if due.ends_a_month:
        living = tx.listing.list_active(window.now_ms, _ALL_KEYS)
        found += find_unused(living, use.last_uses(), replace(window, since_ms=due.state.unused_ms), limits)
    return found


def find_warnings(
    tx: WatchTransaction, due: Scan, warnings: Sequence[BudgetWarning], shared: Sequence[RuleOwner]
) -> list[WatchFinding]:
    """The findings about budgets that are true now and not muted; ``shared`` has the budgets of no key or consumer."""
    if not warnings:
        return []
    owner_ids = sorted({one.owner_id for one in warnings})
    owned = tx.watch.keys(owner_ids)
    consumers = {one: found for one in owner_ids if is_id("con", one) and (found := tx.consumers.get(one)) is not None}
    owners = {key_id: describe_key(key) for key_id, key in owned.items()}
    owners |= {one.id: {"name": one.name} for one in consumers.values()}
    rules = [RuleOwner(one.id, one.policy.limits) for one in owned.values()]
    rules += [RuleOwner(one.id, one.policy.limits) for one in consumers.values()]
    current = compare_to_limits(warnings, (*rules, *shared), due.now_ms)
    return find_budget_warnings(current, owners, tx.watch.list_muted(due.now_ms))


def record(tx: WatchTransaction, due: Scan, found: list[WatchFinding]) -> bool:
    """Record the events; returns ``False`` and records nothing if another process has scanned."""
    now_ms, state = due.now_ms, due.state
    after = WatchState(state.began_ms, now_ms, now_ms if due.ends_a_month else state.unused_ms)
    if not tx.key_value.swap(_WATCH_KEY, due.before, str(after)):
        return False
    for one in found:
        event_id = new_id("evt", now_ms)
        tx.events.append(Event(event_id, now_ms, one.name, SYSTEM.actor, one.subject, SYSTEM.origin, one.detail))
        tx.watch.mute({mark: now_ms + muted_ms for mark, muted_ms in one.marks.items()})
    if found:
        tx.watch.forget(now_ms)
    return True


def _find_expiring(
    tx: WatchTransaction, use: WatchedUse, window: ScanWindow, limits: Limits, muted: set[str]
) -> list[WatchFinding]:
    near = {}
    for days in DAYS:
        span = window.since_ms + days * DAY_MS, window.now_ms + days * DAY_MS + MAX_EARLIER_MS
        near.update({key.id: key for key in tx.watch.list_expiring(*span, window.now_ms) if find_due_days(key, window)})
    used_at_ms = use.last_used(list(near)) if near else {}
    used_days = use.days_used(list(used_at_ms), window.now_ms - _RHYTHM_MS) if used_at_ms else {}
    uses = {key_id: Use(at_ms, used_days.get(key_id, ())) for key_id, at_ms in used_at_ms.items()}
    return find_expiring(near.values(), uses, window, limits, muted)


def _find_retiring(tx: WatchTransaction, use: WatchedUse, window: ScanWindow, muted: set[str]) -> list[WatchFinding]:
    near = tx.watch.list_retiring(window.now_ms + MAX_LEAD_MS, window.now_ms)
    due = [secret for secret in near if secret.is_due(window)][:_MAX_KEYS]
    uses = {(secret.key_id, secret.number): use.secret_use(secret.key_id, secret.number) for secret in due}
    return find_retiring(due, uses, window, muted)


def _find_dead_calls(
    tx: WatchTransaction, use: WatchedUse, since_ms: int, window: ScanWindow, muted: set[str]
) -> list[DeadCalls]:
    late = [one for one in use.late_keys(since_ms) if dead_mark(one.key_id) not in muted][:_MAX_KEYS]
    if not late:
        return []
    keys = tx.watch.keys([one.key_id for one in late])
    used_at_ms = use.last_used(list(keys))
    found = []
    for one in late:
        key = keys.get(one.key_id)
        if key is None or not key.is_inactive(window.now_ms):
            continue
        died_ms, soon_ms = find_end_ms(key), window.now_ms + HOUR_MS
        began_ms = window.began_ms
        found.append(
            DeadCalls(
                key,
                one.code,
                one.last_at_ms,
                use.count_refused(key.id, CODES, died_ms, soon_ms),
                use.count_refused(key.id, CODES, died_ms, began_ms) if died_ms < began_ms else 0,
                used_at_ms.get(key.id),
                tuple(use.list_refused_addresses(key.id, died_ms, MAX_ADDRESSES)),
            )
        )
    return found


def _find_new_addresses(tx: WatchTransaction, use: WatchedUse, since_ms: int) -> list[NewAddresses]:
    fresh = use.list_new_addresses(since_ms, since_ms - FRESH_MS, _MAX_SEEN)
    keys = tx.watch.keys(list(fresh)) if fresh else {}
    return [NewAddresses(key, fresh[key.id], use.list_addresses(key.id, _MAX_SEEN)) for key in keys.values()]


def _find_key_bursts(tx: WatchTransaction, use: WatchedUse, window: ScanWindow, limits: Limits) -> list[KeyBurst]:
    since_ms = bursts.since_ms(window, limits)
    if not bursts.is_worth_a_look(use.refusals(since_ms, with_key=True, codes=bursts.KEY_CODES), limits):
        return []
    loud = use.list_refused_keys(since_ms, bursts.KEY_CODES, limits.burst_count)[:_MAX_KEYS]
    keys = tx.watch.keys([one.key_id for one in loud]) if loud else {}
    return [
        KeyBurst(
            keys[one.key_id], one.refused, one.codes, use.list_refused_addresses(one.key_id, since_ms, MAX_ADDRESSES)
        )
        for one in loud
        if one.key_id in keys
    ]


def _loud_addresses(use: WatchedUse, window: ScanWindow, limits: Limits) -> list[bursts.AddressBurst]:
    since_ms = bursts.since_ms(window, limits)
    if not bursts.is_worth_a_look(use.refusals(since_ms, with_key=False, codes=bursts.ATTEMPT_CODES), limits):
        return []
    return use.loud_addresses(since_ms, bursts.ATTEMPT_CODES, limits.burst_count, _MAX_KEYS)
