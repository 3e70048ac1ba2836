"""One look at what happened since the last one, about once a minute, in the background.

::

    turn = begin(unit, now_ms)                  what is to be looked at, None if somebody looked just now
    findings = find(unit, use, turn, limits)    reads only
    tell(unit, turn, findings)                  one transaction: the events, what not to tell again, and the mark

Whatever number of processes look at once, one of them tells: the mark of the last look is moved in the transaction of
the events, and whose mark has moved meanwhile tells nothing. What an interrupted look would have told, the next tells.
"""

from dataclasses import dataclass, replace

from ari.base.caller import SYSTEM
from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.base.events import Event
from ari.base.ids import new_id
from ari.usage.watch import bursts
from ari.usage.watch.bursts import KeyBurst, address_bursts, key_bursts
from ari.usage.watch.dead_calls import CODES, DeadCalls, dead_calls, dead_mark, died_at_ms
from ari.usage.watch.expired_in_use import expired_in_use
from ari.usage.watch.expiring import DAYS, MOST_EARLIER_MS, Use, due_days, expiring
from ari.usage.watch.model import FEW_ADDRESSES, Limits, Look, WatchFinding
from ari.usage.watch.new_address import FRESH_MS, NewlySeen, new_address
from ari.usage.watch.ports import WatchedUse, WatchTransaction
from ari.usage.watch.unused import keys_unused, month_of

EVERY_MS = MINUTE_MS
LATE_MS = 10 * MINUTE_MS
"""How much later than its request a row may be counted without being missed."""
_FURTHEST_MS = DAY_MS
"""How far back the log is looked at after a pause."""
_RHYTHM_MS = 120 * DAY_MS
"""From how long ago the intervals at which a key is used are known."""
_MOST_KEYS = 200
"""Of one rule and look; the others are found at the next, if they still call."""
_MOST_SEEN = 1_000
"""Addresses looked at: fresh ones of all keys, known ones of each."""
_ALL_KEYS = 20_000
_NOTE = "watch"


@dataclass(frozen=True, slots=True)
class WatchState:
    """How far the watch has come: when it began, when it looked last, and when last for unused keys."""

    began_ms: int
    looked_ms: int
    unused_ms: int

    @classmethod
    def parse(cls, text: str) -> "WatchState":
        return cls(*map(int, text.split()))

    def __str__(self) -> str:
        return f"{self.began_ms} {self.looked_ms} {self.unused_ms}"


@dataclass(frozen=True, slots=True)
class Turn:
    """A look that is due; ``before`` is the note that it found. The very first only notes that the watch began."""

    before: str | None
    state: WatchState
    now_ms: int

    @property
    def look(self) -> Look:
        return Look(self.state.began_ms, min(self.state.looked_ms, self.now_ms), self.now_ms)

    @property
    def ends_a_month(self) -> bool:
        """Whether a month began since unused keys were looked for."""
        return month_of(self.state.unused_ms) < month_of(self.now_ms)


def begin(unit: WatchTransaction, now_ms: int) -> Turn | None:
    """The look that is due now, if one is. A clock that was set back does not stop the watch."""
    note = unit.notes.get(_NOTE)
    if note is None:
        return Turn(None, WatchState(now_ms, now_ms, now_ms), now_ms)
    state = WatchState.parse(note)
    return Turn(note, state, now_ms) if abs(now_ms - state.looked_ms) >= EVERY_MS else None


def find(unit: WatchTransaction, use: WatchedUse, turn: Turn, limits: Limits) -> list[WatchFinding]:
    """What there is to tell, each thing once. Raises ``Unavailable``."""
    if turn.before is None:
        return []
    look, quiet = turn.look, unit.watch.quiet(turn.now_ms)
    log_since_ms = max(look.since_ms - LATE_MS, look.now_ms - _FURTHEST_MS)
    late = _called_dead(unit, use, log_since_ms, look, quiet)
    found = _expiring(unit, use, look, limits, quiet)
    found += expired_in_use(late, look, limits, quiet)
    told = quiet.union(*(one.marks for one in found))
    found += dead_calls(late, limits, told)
    found += new_address(_newly_seen(unit, use, log_since_ms), look, limits, told)
    found += key_bursts(_refused_keys(unit, use, look, limits), limits, told)
    found += address_bursts(_loud_addresses(use, look, limits), limits, told)
    if turn.ends_a_month:
        living = unit.listing.living(look.now_ms, _ALL_KEYS)
        found += keys_unused(living, use.last_uses(), replace(look, since_ms=turn.state.unused_ms), limits)
    return found


def tell(unit: WatchTransaction, turn: Turn, found: list[WatchFinding]) -> bool:
    """Write the events, unless somebody else has looked in the meantime."""
    now_ms, state = turn.now_ms, turn.state
    after = WatchState(state.began_ms, now_ms, now_ms if turn.ends_a_month else state.unused_ms)
    if not unit.notes.swap(_NOTE, turn.before, str(after)):
        return False
    for one in found:
        event_id = new_id("evt", now_ms)
        unit.events.append(Event(event_id, now_ms, one.name, SYSTEM.actor, one.subject, SYSTEM.origin, one.detail))
        unit.watch.keep_quiet({mark: now_ms + quiet_ms for mark, quiet_ms in one.marks.items()})
    if found:
        unit.watch.forget(now_ms)
    return True


def _expiring(
    unit: WatchTransaction, use: WatchedUse, look: Look, limits: Limits, quiet: set[str]
) -> list[WatchFinding]:
    near = {}
    for days in DAYS:
        span = look.since_ms + days * DAY_MS, look.now_ms + days * DAY_MS + MOST_EARLIER_MS
        near.update({key.id: key for key in unit.watch.expiring(*span, look.now_ms) if due_days(key, look)})
    used_at_ms = use.last_used(list(near)) if near else {}
    used_days = use.days_used(list(used_at_ms), look.now_ms - _RHYTHM_MS) if used_at_ms else {}
    uses = {key_id: Use(at_ms, used_days.get(key_id, ())) for key_id, at_ms in used_at_ms.items()}
    return expiring(near.values(), uses, look, limits, quiet)


def _called_dead(
    unit: WatchTransaction, use: WatchedUse, since_ms: int, look: Look, quiet: set[str]
) -> list[DeadCalls]:
    late = [one for one in use.late_keys(since_ms) if dead_mark(one.key_id) not in quiet][:_MOST_KEYS]
    if not late:
        return []
    keys = unit.watch.keys([one.key_id for one in late])
    used_at_ms = use.last_used(list(keys))
    found = []
    for one in late:
        key = keys.get(one.key_id)
        if key is None or not key.is_inactive(look.now_ms):
            continue
        died_ms, soon_ms = died_at_ms(key), look.now_ms + HOUR_MS
        began_ms = look.began_ms
        found.append(
            DeadCalls(
                key,
                one.code,
                one.last_at_ms,
                use.refused_calls(key.id, CODES, died_ms, soon_ms),
                use.refused_calls(key.id, CODES, died_ms, began_ms) if died_ms < began_ms else 0,
                used_at_ms.get(key.id),
                tuple(use.refused_from(key.id, died_ms, FEW_ADDRESSES)),
            )
        )
    return found


def _newly_seen(unit: WatchTransaction, use: WatchedUse, since_ms: int) -> list[NewlySeen]:
    fresh = use.newly_seen(since_ms, since_ms - FRESH_MS, _MOST_SEEN)
    keys = unit.watch.keys(list(fresh)) if fresh else {}
    return [NewlySeen(key, fresh[key.id], use.seen_from(key.id, _MOST_SEEN)) for key in keys.values()]


def _refused_keys(unit: WatchTransaction, use: WatchedUse, look: Look, limits: Limits) -> list[KeyBurst]:
    since_ms = bursts.since_ms(look, limits)
    if not bursts.is_worth_a_look(use.refusals(since_ms, with_key=True, codes=bursts.KEY_CODES), limits):
        return []
    loud = use.refused_keys(since_ms, bursts.KEY_CODES, limits.burst_count)[:_MOST_KEYS]
    keys = unit.watch.keys([one.key_id for one in loud]) if loud else {}
    return [
        KeyBurst(keys[one.key_id], one.refused, one.codes, use.refused_from(one.key_id, since_ms, FEW_ADDRESSES))
        for one in loud
        if one.key_id in keys
    ]


def _loud_addresses(use: WatchedUse, look: Look, limits: Limits) -> list[bursts.AddressBurst]:
    since_ms = bursts.since_ms(look, limits)
    if not bursts.is_worth_a_look(use.refusals(since_ms, with_key=False, codes=bursts.ATTEMPT_CODES), limits):
        return []
    return use.loud_addresses(since_ms, bursts.ATTEMPT_CODES, limits.burst_count, _MOST_KEYS)
