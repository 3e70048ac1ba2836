"""The state of scheduled backups, one for all nodes: who writes one now, and the result of the last ones.

::

    claim(tx, …)    takes the lease, if a backup is due and nobody has it
    renew(tx, …)    keeps the lease, once a minute
    finish | fail   stores the result and gives the lease back
    release         gives it back without a result: ARI stops

The process that has the lease writes the backup. If it dies, another takes over when the lease ends, and the attempt
counts as failed.
"""

import json
from dataclasses import asdict, dataclass, fields, replace
from datetime import tzinfo

from ari.backups.ports import BackupTransaction
from ari.base.backup_plan import BackupSchedule
from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.base.master_key import MasterKeys
from ari.base.signing import fingerprint_of, present_keys
from ari.base.transaction import record

KEY = "backup"
LEASE_MS = 5 * MINUTE_MS
LATE_PERIODS = 2
"""A backup is late if the last verified one is older than this many periods."""
REPORTED_FAILURES = 2
"""After this many failures in a row, an event says so; then again once a day."""
_FIRST_PAUSE_MS, _LONGEST_PAUSE_MS = 5 * MINUTE_MS, HOUR_MS
KILLED = "The process that wrote it ended before it was complete."


@dataclass(frozen=True, slots=True)
class BackupState:
    """``began_ms`` to ``verified`` describe the last backup that was kept, ``failures`` and ``error`` what came after.

    ``unremoved`` counts the old backups that retention couldn't remove then, and ``removal_error`` is why.
    ``verified_ms`` is when a backup was last verified. ``reported_ms`` is when an event last reported failures.
    ``signing_key`` names the key that signed it, and ``wanted_ms`` is when a new one was last wanted at once.
    """

    holder: str = ""
    lease_ends_ms: int = 0
    began_ms: int = 0
    duration_ms: int = 0
    name: str = ""
    size_bytes: int = 0
    verified_ms: int = 0
    tried_ms: int = 0
    failures: int = 0
    error: str = ""
    reported_ms: int = 0
    unremoved: int = 0
    removal_error: str = ""
    signing_key: str = ""
    wanted_ms: int = 0

    @classmethod
    def parse(cls, text: str | None) -> "BackupState":
        known = {field.name for field in fields(cls)}
        stored = {} if text is None else json.loads(text)
        return cls(**{name: value for name, value in stored.items() if name in known})

    def __str__(self) -> str:
        return json.dumps(asdict(self))

    def is_held(self, now_ms: int) -> bool:
        """Whether some process writes a backup now."""
        return bool(self.holder) and now_ms < self.lease_ends_ms <= now_ms + LEASE_MS

    def is_late(self, schedule: BackupSchedule, now_ms: int) -> bool:
        """Whether the last verified backup is too old. Before the first one, nothing is late."""
        return bool(self.verified_ms) and now_ms - self.began_ms > LATE_PERIODS * schedule.period_ms

    def needs_other_key(self, keys: MasterKeys) -> bool:
        """Whether none of these master keys signed the last verified backup, so that it can't be restored with them."""
        return bool(self.signing_key) and self.signing_key not in map(fingerprint_of, present_keys(keys))

    def find_due_ms(self, schedule: BackupSchedule, zone: tzinfo, now_ms: int) -> int:
        """When the next backup is due; 0 is at once. A clock that was set back doesn't stop the schedule."""
        failures = self.failures + bool(self.holder)
        if failures:
            pause_ms = min(_FIRST_PAUSE_MS * 2 ** min(failures - 1, 10), _LONGEST_PAUSE_MS, schedule.period_ms)
            return 0 if self.tried_ms > now_ms else self.tried_ms + pause_ms
        if not self.began_ms or self.wanted_ms > self.began_ms or self.began_ms > now_ms + MINUTE_MS:
            return 0
        return schedule.find_next_ms(self.began_ms, zone)


def read_state(tx: BackupTransaction) -> BackupState:
    """The present state."""
    return BackupState.parse(tx.key_value.get(KEY))


def want_new(tx: BackupTransaction) -> None:
    """Make the next backup due now: those that exist need a master key that was replaced."""
    stored = tx.key_value.get(KEY)
    if stored is not None:
        tx.key_value.swap(KEY, stored, str(replace(BackupState.parse(stored), wanted_ms=tx.now_ms)))


def claim(tx: BackupTransaction, schedule: BackupSchedule, zone: tzinfo, holder: str, *, force: bool = False) -> bool:
    """Take the lease, if a backup is due (or ``force``) and nobody has it."""
    stored = tx.key_value.get(KEY)
    state = BackupState.parse(stored)
    if state.is_held(tx.now_ms):
        return False
    if not force and state.find_due_ms(schedule, zone, tx.now_ms) > tx.now_ms:
        return False
    died = bool(state.holder)
    if died:
        state = _count_failure(state, KILLED, tx.now_ms)
    taken = replace(state, holder=holder, lease_ends_ms=tx.now_ms + LEASE_MS, tried_ms=tx.now_ms)
    if not tx.key_value.swap(KEY, stored, str(taken)):
        return False
    if died:
        _report(tx, state)
    return True


def renew(tx: BackupTransaction, holder: str) -> bool:
    """Keep the lease; false if another process has it."""
    return _change(tx, holder, lease_ends_ms=tx.now_ms + LEASE_MS)


def release(tx: BackupTransaction, holder: str) -> bool:
    """Give the lease back. The backup is due as before."""
    return _change(tx, holder, holder="")


def finish(tx: BackupTransaction, holder: str, result: BackupState, detail: dict[str, object]) -> bool:
    """Store the result of a verified backup, with the event; false if another process has the lease."""
    ended = {"holder": "", "failures": 0, "error": "", "reported_ms": 0, "wanted_ms": read_state(tx).wanted_ms}
    stored = _change(tx, holder, **{**asdict(result), **ended})
    if stored:
        record(tx, "backup_written", None, detail)
    return stored


def fail(tx: BackupTransaction, holder: str, reason: str) -> bool:
    """Store a failure, with an event for the second in a row and then one a day."""
    stored = tx.key_value.get(KEY)
    state = BackupState.parse(stored)
    failed = replace(_count_failure(state, reason, tx.now_ms), holder="")
    if state.holder != holder or not tx.key_value.swap(KEY, stored, str(failed)):
        return False
    _report(tx, failed)
    return True


def note_unremoved(tx: BackupTransaction, count: int, reason: str) -> None:
    """Store how many old backups couldn't be removed, and why; a change of another process since then wins."""
    stored = tx.key_value.get(KEY)
    state = BackupState.parse(stored)
    noted = replace(state, unremoved=count, removal_error=reason)
    if noted != state:
        tx.key_value.swap(KEY, stored, str(noted))


def _count_failure(state: BackupState, reason: str, now_ms: int) -> BackupState:
    failures = state.failures + 1
    is_due = failures >= REPORTED_FAILURES and abs(now_ms - state.reported_ms) >= DAY_MS
    return replace(state, failures=failures, error=reason, reported_ms=now_ms if is_due else state.reported_ms)


def _report(tx: BackupTransaction, state: BackupState) -> None:
    if state.reported_ms == tx.now_ms:
        detail = {"reason": state.error, "failures": state.failures, "verified_at_ms": state.verified_ms or None}
        record(tx, "backup_failed", None, detail)


def _change(tx: BackupTransaction, expected: str, **changes: object) -> bool:
    """Change the state if ``expected`` has the lease."""
    stored = tx.key_value.get(KEY)
    state = BackupState.parse(stored)
    if state.holder != expected:
        return False
    return tx.key_value.swap(KEY, stored, str(replace(state, **changes)))  # type: ignore[arg-type]  # fields by name
