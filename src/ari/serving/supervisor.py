"""The parent process: starts the workers and the fold process, replaces those that die, and stops them.

It runs no threads and no event loop, so forking is safe. It holds the listening socket, so connections that arrive
while a worker is replaced wait instead of being refused.
"""

import gc
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

import structlog

from ari.base.readable import is_readable
from ari.serving.parent_exit import die_with
from ari.serving.process_name import set_process_name

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_SOON_SECONDS = 1.0
"""A worker that dies sooner after its start counts as a failed start."""
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_FAILED_STARTS = 3
"""Give up after this many failed starts of every worker if none has ever served."""

_log = structlog.get_logger("ari.serving")


@dataclass
class _Slot:
    """The slot of one worker, or of another process (``number`` is ``None``). Times are monotonic seconds."""

    number: int | None
    kind: str = "worker"
    pid: int = 0
    started: float = 0.0
    due: float = 0.0
    failed_starts: int = 0


def _name(slot: _Slot) -> str:
    return "a worker" if slot.number is not None else f"the {slot.kind} process"


@dataclass
class Supervisor:
    """Keeps ``workers`` processes running. Each runs ``work(number)`` and exits with the status it returns.

    ``others`` are processes by their kind, such as ``fold``, which may end and be started again at any time.
    ``serves(number)`` returns whether that worker has started to serve. ``gone(number)`` is called after it has ended,
    and ``replaced`` with its kind if nobody stopped it.
    ``stop_seconds`` is how long workers may take to stop.
    """

    workers: int
    work: Callable[[int], int]
    others: Mapping[str, Callable[[], int]]
    serves: Callable[[int], bool]
    gone: Callable[[int | None], None]
    replaced: Callable[[str], None]
    listeners: Sequence[socket.socket]
    stop_seconds: float
    _ending: list[int] = field(default_factory=list)
    _ever_served: bool = False

    def run(self) -> int:
        """Run until a signal; returns the exit status. A second signal kills the workers."""
        self._slots = [*map(_Slot, range(self.workers)), *(_Slot(None, kind) for kind in self.others)]
        self._lifeline = os.pipe()
        self._wake = os.pipe()
        for end in self._wake:
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        for number in self._signals_to_handle():
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        gc.freeze()  # workers share these objects; collecting them would copy their memory pages
        status = self._keep_running()
        return self._end() if status is None else status

    @staticmethod
    def _signals_to_handle() -> list[signal.Signals]:
        """The stop signals, except those already ignored (``nohup``)."""
        return [number for number in _STOP_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._ending.append(number)

    def _keep_running(self) -> int | None:
        """Run until a signal, then return ``None``; return the exit status if no worker can start."""
        while not self._ending:
            self._reap()
            self._ever_served = self._ever_served or any(map(self.serves, range(self.workers)))
            workers = self._slots[: self.workers]
            if not self._ever_served and min(slot.failed_starts for slot in workers) >= _FAILED_STARTS:
                _log.error("no worker can start; giving up")
                self._kill(signal.SIGKILL)
                return 1
            now = time.monotonic()
            for slot in self._slots:
                if not slot.pid and slot.due <= now and not self._ending:
                    self._start(slot)
            due = [slot.due for slot in self._slots if not slot.pid]
            self._sleep(max(0.0, min(due) - now) if due else None)
        return None

    def _start(self, slot: _Slot) -> None:
        parent = os.getpid()
        signals = {*_STOP_SIGNALS, signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        pid = os.fork()
        if pid == 0:
            self._become_child(slot, parent, signals)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        slot.pid, slot.started = pid, time.monotonic()

    def _become_child(self, slot: _Slot, parent: int, signals: set[signal.Signals]) -> None:
        """Run the worker or another process in the forked process. Never returns into the parent's code."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            # Ctrl-C reaches the whole process group. Workers ignore it; the parent stops them.
            for ignored in (signal.SIGINT, signal.SIGHUP):
                signal.signal(ignored, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
            for end in (*self._wake, self._lifeline[1]):
                os.close(end)
            die_with(parent, self._lifeline[0])
            set_process_name(f"ari-{slot.kind}")
            if slot.number is None:
                self._stop_listening()  # only workers accept connections
                status = self.others[slot.kind]()
            else:
                status = self.work(slot.number)
        except BaseException:  # noqa: BLE001 - whatever it is, the process must end here
            _log.exception(f"{_name(slot)} failed", worker=slot.number)
        finally:
            os._exit(status)

    def _reap(self) -> None:
        for slot in self._slots:
            if not slot.pid:
                continue
            pid, status = os.waitpid(slot.pid, os.WNOHANG)
            if pid:
                self._note_end(slot, os.waitstatus_to_exitcode(status))

    def _note_end(self, slot: _Slot, code: int) -> None:
        served = slot.number is None or self.serves(slot.number)
        self.gone(slot.number)
        pid, slot.pid = slot.pid, 0
        if self._ending:
            return
        self.replaced(slot.kind)
        now = time.monotonic()
        self._ever_served = self._ever_served or (served and slot.number is not None)
        died_of_start = not served or now - slot.started < _SOON_SECONDS
        slot.failed_starts = slot.failed_starts + 1 if died_of_start else 0
        pause = _FIRST_PAUSE_SECONDS * 2 ** (slot.failed_starts - 1) if died_of_start else 0.0
        slot.due = now + min(pause, _LONGEST_PAUSE_SECONDS)
        how = f"signal {-code}" if code < 0 else f"status {code}"
        which = {} if slot.number is None else {"worker": slot.number}
        _log.error(f"{_name(slot)} ended and is replaced", **which, pid=pid, by=how)

    def _end(self) -> int:
        """Stop all workers. Kill those still running after ``stop_seconds`` or a second signal."""
        self._stop_listening()
        self._kill(signal.SIGTERM)
        deadline = time.monotonic() + self.stop_seconds
        while any(slot.pid for slot in self._slots):
            left = deadline - time.monotonic()
            if left <= 0 or len(self._ending) > 1:
                self._kill(signal.SIGKILL)
                if len(self._ending) > 1:
                    return 128 + self._ending[1]
                _log.error("workers didn't stop in time and were killed", after_seconds=self.stop_seconds)
                return 1
            self._sleep(left)
            self._reap()
        return 0

    def _stop_listening(self) -> None:
        for listener in self.listeners:
            listener.close()

    def _kill(self, number: signal.Signals) -> None:
        for slot in self._slots:
            if slot.pid:
                with suppress(ProcessLookupError):
                    os.kill(slot.pid, number)
                if number == signal.SIGKILL:
                    os.waitpid(slot.pid, 0)

    def _sleep(self, seconds: float | None) -> None:
        """Wait for a signal, the end of a child, or the timeout."""
        if is_readable(self._wake[0], seconds):
            with suppress(BlockingIOError):
                os.read(self._wake[0], 4096)
