"""Verifies a copy of the audit log, line by line, without the instance and in bounded memory.

A copy may begin later than the log and repeat lines, as a collector does after a crash. Between its first and last
event nothing may be missing, changed or in another order. The signed heads in it prove that nothing is missing before
them.
"""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field

from ari.base.audit import FIRST, Head
from ari.base.audit_lines import ChainedEvent, NotAuditLine, SignedHead, parse_line
from ari.base.clock import to_rfc3339
from ari.base.errors import AriError
from ari.base.events import Event

REMEMBERED = 100_000
"""How many of the last events are known: a later head may name one, and repeats may begin with one."""
_MAX_KEYS = 10


class BrokenCopy(AriError):
    """The copy isn't whole; the message is a sentence."""


@dataclass
class AuditCopy:
    """A copy as far as ``add`` has read it. ``public_keys`` may sign heads; empty: any."""

    public_keys: Collection[bytes] = ()
    count: int = 0
    repeats: int = 0
    heads: int = 0
    first: ChainedEvent | None = None
    last: ChainedEvent | None = None
    head: Head | None = None
    """The head of the latest event that one names."""
    fingerprints: list[str] = field(default_factory=list)
    """The keys that signed heads, a few of them."""
    _positions: OrderedDict[str, int] = field(default_factory=OrderedDict)
    """Of the last events by hash, counted from 1 in this copy."""
    _head_position: int = 0
    _replayed: str | None = None
    """The hash of the last event of a repeat from the very beginning. It must lead to events that are known."""
    _replayed_position: int = 0
    _unproven: set[str] = field(default_factory=set)
    """Where earlier repeats from the beginning ended. A later one must come by."""

    @property
    def begins_at_first(self) -> bool:
        """Whether the copy has the first event of the log."""
        return self.first is not None and self.first.previous == FIRST

    @property
    def earlier(self) -> int | None:
        """How many events the log had before this copy begins; ``None`` if nothing proves it."""
        if self.begins_at_first:
            return 0
        return None if self.head is None else self.head.position - self._head_position

    @property
    def after_head(self) -> int:
        """How many events no head proves to be the end of what there was."""
        return self.count - self._head_position

    @property
    def is_signed_whole(self) -> bool:
        """Whether it has every event from the first of the log to its own last, by a signed head."""
        return self.earlier == 0 and self.head is not None and self.after_head == 0

    def add(self, line: bytes, place: str) -> None:
        """Take the next line, which is at ``place``. Raises ``BrokenCopy``."""
        if not line.strip():
            return
        try:
            parsed = parse_line(line)
        except NotAuditLine as error:
            raise BrokenCopy(f"{place} {error}.") from None
        if isinstance(parsed, SignedHead):
            self._add_head(parsed, place)
        else:
            self._add_event(parsed, place)

    def finish(self) -> None:
        """Check what only the end shows. Raises ``BrokenCopy``."""
        if self._replayed is not None:
            raise BrokenCopy("The copy begins again, with events that don't lead to those it had before.")

    def _add_event(self, one: ChainedEvent, place: str) -> None:
        if not one.fits:
            raise BrokenCopy(f"{place}: {describe(one.event)} was changed: its hash is that of other content.")
        if one.hash in self._positions:
            self._end_replay(one, place)
            self.repeats += 1
            return
        if self.first is not None and (one.hash == self.first.hash or one.previous == self._replayed):
            self._replay(one, place)
            self.repeats += 1
            return
        if self.last is None:
            self.first = one
        elif one.previous != self.last.hash:
            raise BrokenCopy(f"{place}: {self._describe_gap(one)}")
        self.last = one
        self.count += 1
        self._positions[one.hash] = self.count
        if len(self._positions) > REMEMBERED:
            self._positions.popitem(last=False)

    def _replay(self, one: ChainedEvent, place: str) -> None:
        """Follow a repeat from the beginning, whose events aren't remembered any more."""
        assert self.first is not None
        if one.hash == self.first.hash:
            if self._replayed is not None:
                self._unproven.add(self._replayed)
            if len(self._unproven) > REMEMBERED:
                raise BrokenCopy(f"{place}: the copy begins again too often.")
            self._replayed_position = 0
        self._replayed = one.hash
        self._replayed_position += 1
        self._unproven.discard(one.hash)

    def _end_replay(self, known: ChainedEvent, place: str) -> None:
        """Check that the repeat, if there is one, led to this event."""
        if self._replayed is None:
            return
        if known.previous != self._replayed or self._unproven:
            raise BrokenCopy(
                f"{place}: {describe(known.event)} is known, but the events before it, with which the copy begins "
                "again, don't lead to it."
            )
        self._replayed = None

    def _describe_gap(self, one: ChainedEvent) -> str:
        assert self.last is not None
        if one.previous == FIRST:
            return f"{describe(one.event)} begins another log, or the lines aren't in order."
        if one.previous in self._positions:
            return (
                f"{describe(one.event)} follows an earlier event than {self.last.event.id}: the log went back to an "
                "older copy, or another log is mixed in."
            )
        return (
            f"between {describe(self.last.event)} and {describe(one.event)} events are missing, or the lines or files "
            "aren't in order."
        )

    def _add_head(self, signed: SignedHead, place: str) -> None:
        head, signature = signed.head, signed.mark.signature
        if not signature.fits(signed.mark.text.encode()):
            raise BrokenCopy(f"{place}: the signature of the head is wrong.")
        if self.public_keys and signature.public not in self.public_keys:
            raise BrokenCopy(f"{place}: the head is signed with {signature.fingerprint}, which isn't a key you gave.")
        if self.head is not None and self.head.instance != head.instance:
            raise BrokenCopy(f"{place}: the head is of {head.instance}, an earlier one of {self.head.instance}.")
        if signature.fingerprint not in self.fingerprints and len(self.fingerprints) < _MAX_KEYS:
            self.fingerprints.append(signature.fingerprint)
        self.heads += 1
        self._compare(head, place)

    def _compare(self, head: Head, place: str) -> None:
        """Whether the head fits the events before it in this copy, and heads before it."""
        here = self._positions.get(head.hash, 0) if head.event_id is not None else 0
        if self._replayed is not None and head.hash == self._replayed:
            here = self._replayed_position
        if not here:
            if self.last is None:  # the first line: it is about what was collected before
                return
            raise BrokenCopy(f"{place}: the head is of event {head.event_id}, which is missing before it.")
        if head.position < here or (self.begins_at_first and head.position != here):
            raise BrokenCopy(
                f"{place}: the head is of event {head.position:,} of the log, which is event {here:,} here: events are "
                "missing, or the log was replaced."
            )
        known = self.head
        if known is not None and head.position - here != known.position - self._head_position:
            raise BrokenCopy(f"{place}: the head and an earlier one count the events between them differently.")
        if known is None or here >= self._head_position:
            self.head, self._head_position = head, here


def describe(event: Event) -> str:
    """The event in a sentence."""
    return f"event {event.id} ({event.name}, {to_rfc3339(event.at_ms)})"
