"""Decides whether a database continues what this node has seen.

Every change writes an event, and each event holds the hash of the one before. So a database that holds the newest event
a node has seen holds everything before it, and one that does not has lost changes: a revoke among them may be undone.
Such a database is not trusted until an operator accepts it. Nothing else counts as going back: a new timeline, gaps in
sequences, another system identifier with all events in it.
"""

import logging
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from ari.base.clock import to_rfc3339
from ari.base.errors import Unavailable, for_operator
from ari.storage.failover.facts import ServerFacts
from ari.storage.failover.record import MAX_RECENT, Record, RecordFile, SeenEvent

REMEDY = "Requests fail until an operator checks it: ari database status"
MAX_LOGGED = 20
_MAX_KNOWN = 2_000

_logger = logging.getLogger(__name__)


class NotTrusted(Unavailable):
    """This server is not the primary that this node may use; another one may be."""


class WentBack(NotTrusted):
    """The database lacks something that this node has seen. ``record`` is what was compared."""

    def __init__(self, message: str, record: Record) -> None:
        super().__init__(message)
        self.record = record


@dataclass(frozen=True, slots=True)
class HistoryProblem:
    """Why the database is not trusted: a sentence, what it was compared with, and the events known to be lost."""

    sentence: str
    record: Record = field(compare=False)
    lost: tuple[SeenEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    history: str
    system: str | None
    timeline: int | None


class History:
    """What this process knows of the database, together with the node's record on disk. Thread-safe.

    ``trusting`` accepts whatever is there and writes no record: for the commands that repair.
    """

    def __init__(self, data_dir: Path, kind: str, *, trusting: bool = False) -> None:
        self.file = RecordFile(data_dir, kind)
        self.trusting = trusting
        self.may_be_empty = False
        """Whether a database without a single event passes: at the start, where the owner mark decides."""
        self.found_empty = False
        self.problem: HistoryProblem | None = None
        self._place: _Place | None = None
        self._mine: Record | None = None
        self._known: dict[str, None] = {}
        self._mutex = threading.RLock()

    @property
    def timeline(self) -> int | None:
        """PostgreSQL's timeline, as last read."""
        return None if self._place is None else self._place.timeline

    def require_trust(self) -> None:
        """Raise ``WentBack`` while the database is not trusted."""
        if self.problem is not None:
            raise WentBack(self.problem.sentence, self.problem.record)

    def record(self) -> Record | None:
        """The node's record on disk; ``None`` if it is missing or unreadable."""
        try:
            return self.file.load()
        except Unavailable:
            return None

    def current(self) -> Record | None:
        """The record to compare the next facts with. Raises ``Unavailable`` if it can't be read."""
        with self._mutex:
            stored, mine = self.file.load(), self._mine
            if mine is None or stored is None:
                return stored or mine
            if stored.history != mine.history or stored.head.id not in self._known:
                return stored
            return max(stored, mine, key=lambda record: (record.head.seq, record.timeline or 0))

    def examine(self, record: Record | None, facts: ServerFacts) -> None:
        """Compare ``facts`` with ``record``, whose newest event was looked up for them, and store newer values.

        Raises ``NotTrusted`` for a standby or an old primary, ``WentBack`` for a database that lost commits.
        """
        if facts.in_recovery:
            raise NotTrusted("The database server is a standby. Verification needs the primary.")
        if self.trusting:
            self._place = _place_of(facts)
            return
        if record is None or facts.histories[-1:] != (record.history,):
            if record is not None and not self._is_successor(record, facts):
                raise WentBack(_another(record), record)
            self._begin(record, facts)
            return
        same_server = record.system is None or facts.system == record.system
        if same_server and (facts.timeline or 0) < (record.timeline or 0) and facts.timeline is not None:
            raise NotTrusted(
                f"The database server is an old primary: it is on timeline {facts.timeline}, "
                f"but this node has seen timeline {record.timeline}. {REMEDY}"
            )
        was_cut = facts.hash_asked_for is None and (facts.oldest_seq or 0) > record.head.seq
        if facts.hash_asked_for != record.head.hash and not was_cut:
            if same_server:
                self._note_timeline(record, facts)
            raise WentBack(_describe_loss(record), record)
        self._go_on(record, facts)

    def _is_successor(self, record: Record, facts: ServerFacts) -> bool:
        """Whether an operator replaced the history in ``record``: by a restore, by accepting, or by a new instance."""
        if self.may_be_empty and facts.head is None:
            self.found_empty = True
            return True
        return record.history in facts.histories

    def _begin(self, replaced: Record | None, facts: ServerFacts) -> None:
        with self._mutex:
            self._place = _place_of(facts)
            if facts.head is None or self._place is None:
                return
            self._know((facts.head,))
            place = self._place
            self._mine = Record(place.history, facts.head, place.system, place.timeline, (facts.head,))
            self._clear_problem()
        if replaced is not None:
            _logger.warning("The database has a new history, started by an operator. This node follows it.")
            self._persist(replacing=replaced)

    def _go_on(self, record: Record, facts: ServerFacts) -> None:
        place = _place_of(facts)
        with self._mutex:
            self._know((record.head,))
            if facts.timeline is not None and record.timeline is not None and facts.timeline > record.timeline:
                _logger.warning(
                    "Another server took over: timeline %s after %s. Nothing this node has seen was lost.",
                    facts.timeline,
                    record.timeline,
                )
            elif facts.system is not None and record.system not in (None, facts.system):
                _logger.warning("The database moved to another server. Nothing this node has seen was lost.")
            head = record.head
            if facts.head is not None and facts.head.seq > head.seq:
                head = facts.head
                self._know((head,))
            self._place = place
            if place is not None and (head, place) != (record.head, _place_of_record(record)):
                self._mine = _with(replace(record, system=place.system, timeline=place.timeline), (head,))
            self._clear_problem()

    def _clear_problem(self) -> None:
        if self.problem is not None:
            self.problem = None
            _logger.warning("The database is trusted again.")

    def _know(self, events: Iterable[SeenEvent]) -> None:
        for event in events:
            self._known[event.id] = None
        while len(self._known) > _MAX_KNOWN:
            del self._known[next(iter(self._known))]

    def report(self, error: WentBack, lost: Sequence[SeenEvent]) -> None:
        """Stop trusting the database, and log once what it lost."""
        with self._mutex:
            problem = HistoryProblem(str(error), error.record, tuple(lost))
            if self.problem == problem:
                return
            self.problem = problem
        self._persist(replacing=None)  # what only this process saw, for the commands that an operator runs now
        _logger.critical("%s Lost, newest last: %s", problem.sentence, describe_events(lost))

    def learn(self, events: Sequence[SeenEvent]) -> None:
        """Add events that follow the newest one that was seen."""
        with self._mutex:
            base = self._mine or self.file.load()
            if events and base is not None and self.problem is None:
                self._know(events)
                self._mine = _with(base, events)

    def remember(self, events: Sequence[SeenEvent], histories: Sequence[str] = ()) -> None:
        """Remember events that this process committed, on disk before it returns.

        ``histories`` are the ids in the database, where no facts were read before.
        """
        if not events or self.trusting:
            return
        with self._mutex:
            if self._place is None and histories:
                self._place = _Place(histories[-1], None, None)
            place, base = self._place, self.current()
            if place is None:
                return
            self._know(events)
            if base is None or base.history != place.history:
                base = Record(place.history, events[-1], place.system, place.timeline)
            self._mine = _with(base, events)
        self._persist(replacing=None)

    def persist(self) -> None:
        """Write to disk what is newer than the record there."""
        self._persist(replacing=None)

    def _persist(self, replacing: Record | None) -> None:
        with self._mutex:
            mine = self._mine
            if mine is None or self.trusting:
                return
            with suppress(Unavailable):
                if self.file.load() == mine:
                    return
            try:
                with self.file.lock():
                    stored = self.file.load()
                    if stored is None or stored == replacing or self._may_replace(stored, mine):
                        self.file.save(mine)
            except OSError as error:
                _logger.error("Can't save what this node has seen of the database: %s.", error.strerror)
            except Unavailable as error:
                _logger.error("%s", for_operator(error))

    def _may_replace(self, stored: Record, mine: Record) -> bool:
        """Never what another process saw and this one did not find in the database yet."""
        if stored.history != mine.history or stored.head.id not in self._known:
            return False
        return (mine.head.seq, mine.timeline or 0) > (stored.head.seq, stored.timeline or 0) or (
            mine.head.seq == stored.head.seq and mine.system != stored.system
        )

    def _note_timeline(self, record: Record, facts: ServerFacts) -> None:
        """Remember that a newer primary exists, although it is not trusted: the old one is not the primary any more."""
        if facts.timeline is None or facts.timeline <= (record.timeline or 0):
            return
        with suppress(OSError), self.file.lock():
            stored = self.file.load()
            if stored is not None and stored.history == record.history:
                self.file.save(replace(stored, timeline=facts.timeline))

    def forget_if_empty(self) -> None:
        """Forget the record where the start found an empty database and the owner mark allowed it."""
        if self.found_empty:
            self.file.remove()
            self._mine, self.found_empty = None, False


def _with(record: Record, events: Sequence[SeenEvent]) -> Record:
    merged = {event.id: event for event in (*record.events, *events)}
    recent = tuple(sorted(merged.values(), key=lambda event: event.seq))[-MAX_RECENT:]
    return replace(record, head=recent[-1], recent=recent)


def _place_of(facts: ServerFacts) -> _Place | None:
    return _Place(facts.histories[-1], facts.system, facts.timeline) if facts.histories else None


def _place_of_record(record: Record) -> _Place:
    return _Place(record.history, record.system, record.timeline)


def _describe_loss(record: Record) -> str:
    return f"The database went back in time: it is missing event {record.head.id}, which this node has seen. {REMEDY}"


def _another(record: Record) -> str:
    return f"This isn't the database in which this node saw event {record.head.id}. {REMEDY}"


def describe_events(events: Sequence[SeenEvent]) -> str:
    """The latest of these events in words, for the log."""
    words = [describe(event) for event in events[-MAX_LOGGED:]]
    left_out = len(events) - len(words)
    return "; ".join([f"{left_out} more"] * bool(left_out) + words) or "unknown"


def describe(event: SeenEvent) -> str:
    """An event in a few words."""
    subject = f" {event.subject}" if event.subject else ""
    return f"{event.name}{subject} at {to_rfc3339(event.at_ms)} ({event.id})"
