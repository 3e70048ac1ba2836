"""Copies the audit log to where settings say, event by event, in a thread for each place."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Protocol

import structlog

from ari.base.audit import Mark
from ari.base.audit_feed import has_after, read_page_or_oldest
from ari.base.audit_lines import ChainedEvent
from ari.base.errors import AriError, for_operator
from ari.base.traces import Attributes, trace_work
from ari.deps import Deps

EVENTS_AT_ONCE = 1_000
_LOOK_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
_STOP_SECONDS = 2.0

_log = structlog.get_logger("ari.jobs")


class AuditSink(Protocol):
    """Where events go. One process at a time delivers; the others only try to begin."""

    name: str

    def begin(self) -> bool:
        """Get ready for the next page; whether this process is the one that delivers it. Raises ``AriError``."""

    @property
    def last_id(self) -> str | None:
        """The last event that was delivered."""

    def deliver(self, events: Sequence[ChainedEvent], head: Mark | None) -> bool:
        """Deliver these events, and the head after them; whether they count. If not, they come again.

        Raises ``AriError``; then they may come again, too.
        """

    def start_over(self) -> None:
        """Get ready for the oldest event: the log lacks the last one that was delivered.

        Raises ``AriError`` if what is there must not be continued.
        """

    def close(self) -> None:
        """Let another process deliver."""


class AuditDelivery:
    """Delivers to one sink. ``run`` is for a thread of its own.

    The signed head follows the newest event in the same delivery, so a copy proves its end at any moment.
    """

    def __init__(self, deps: Deps, sink: AuditSink, stopped: threading.Event) -> None:
        self.sink: Final = sink
        self._deps = deps
        self._stopped = stopped
        self._headed_id: str | None = None
        """The event that the last signed head of this process followed."""
        self._failures = 0

    def run(self) -> None:
        """Deliver until stopped. What fails is logged once, and tried again after a pause that doubles."""
        while not self._stopped.is_set():
            self._stopped.wait(self.run_once())
        with suppress(AriError):  # what isn't noted as delivered comes again
            self.sink.close()

    def run_once(self) -> float:
        """Deliver what is new, or try to; returns how many seconds to wait before the next time."""
        try:
            self._deliver()
        except AriError as error:
            self._note_failure(for_operator(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the audit log must be delivered once it is over
            _log.exception("delivering the audit log failed", to=self.sink.name)
            self._note_failure(type(error).__name__)
        else:
            if self._failures:
                _log.warning("the audit log is delivered again", to=self.sink.name)
            self._failures = 0
        return float(min(_LOOK_SECONDS * 2**self._failures, _LONGEST_PAUSE_SECONDS))

    def _deliver(self) -> None:
        sink, deps = self.sink, self._deps
        while not self._stopped.is_set() and sink.begin():
            if not (deps.read_sync(has_after, sink.last_id) or sink.last_id != self._headed_id):
                return
            page, is_gone = deps.read_sync(read_page_or_oldest, sink.last_id, EVENTS_AT_ONCE)
            if is_gone:
                sink.start_over()
                _log.warning("the audit log lacks the last event that was delivered; starting over", to=sink.name)
            last_id = page.events[-1].event.id if page.events else sink.last_id
            if page.is_last and not page.events and page.head is None:
                self._headed_id = last_id  # without the master key there is no head
                return
            facts: Attributes = {"ari.to": sink.name, "ari.events": len(page.events)}
            with trace_work(deps.instance.tracer, "ari.copy_audit_log", facts):
                counts = sink.deliver(page.events, page.head)
            if not counts:
                continue
            if page.is_last:
                self._headed_id = last_id
                return

    def _note_failure(self, reason: str) -> None:
        if not self._failures:
            _log.error("the audit log can't be delivered; will retry", to=self.sink.name, reason=reason)
        self._failures = min(self._failures + 1, 10)


class AuditThreads:
    """The threads of all sinks."""

    def __init__(self, deps: Deps, make_sinks: Sequence[Callable[[], AuditSink]]) -> None:
        self._stopped = threading.Event()
        deliveries = [AuditDelivery(deps, make(), self._stopped) for make in make_sinks]
        self._threads = [
            threading.Thread(target=one.run, name=f"ari audit {one.sink.name}", daemon=True) for one in deliveries
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads, or leave those that wait for a disk or a collector behind."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(_STOP_SECONDS)
