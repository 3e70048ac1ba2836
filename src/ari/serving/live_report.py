"""Reports what this process does and waits for, from a thread of its own, to ``ari doctor --live``.

Nothing is recorded in advance: the report comes from the stacks of all threads and the requests in progress.
"""

import asyncio
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import structlog

from ari.base import live_socket

MAX_REQUESTS = 50
LOOP_SECONDS = 0.5
"""An event loop that has not run a callback by then is blocked."""
_SEND_SECONDS = 1.0
_PAUSE_SECONDS = 1.0
"""After a connection that failed: without a free file descriptor, the next ones fail at once."""
_ROOT = "/ari/"
_WAITS = (
    ("storage/write_lock.py", "the write lock of a SQLite file"),
    ("outbound/smtp", "the mail server"),
    ("outbound/resend.py", "Resend"),
    ("outbound/syslog.py", "the syslog collector"),
    ("outbound/line_file.py", "the disk"),
    ("outbound/", "another service"),
    ("accounts/password.py", "a password hash"),
    ("sqlalchemy/", "the database"),
    ("psycopg", "the database"),
    ("storage/", "the database"),
)
"""Reasons for waiting, by the innermost of its frames in one of these files. One that waits for another thread of
its own process waits for nothing else, but for the first of these."""
_IDLE = ("threading.py", "queue.py", "concurrent/futures/thread.py")

FailingJobs = Callable[[], dict[str, int]]
"""The background jobs that fail, and how many attempts in a row failed."""
Requests = Callable[[], list[tuple[str, str, str, float]]]
"""The requests in progress: method, route, ID, and their age in seconds."""

_log = structlog.get_logger("ari.serving")


def start_live_reports(
    data_dir: Path, process: str, list_requests: Requests = list, list_failing_jobs: FailingJobs = dict
) -> "LiveReporter":
    """Begin to report; the thread ends with the process. Where the socket can't be created there are no reports."""
    reporter = LiveReporter(list_requests, list_failing_jobs)
    try:
        listener = live_socket.listen(data_dir, process)
    except OSError as error:
        _log.warning("ari doctor --live can't ask this process", reason=error.strerror)
        return reporter
    threading.Thread(target=reporter.run, args=(listener,), name="ari live reports", daemon=True).start()
    return reporter


class LiveReporter:
    """Makes the reports of this process. ``loop`` is its event loop, where it has one."""

    def __init__(self, list_requests: Requests, list_failing_jobs: FailingJobs = dict) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self._list_failing_jobs = list_failing_jobs
        self._list_requests = list_requests
        self._started = time.monotonic()
        self._main = threading.get_ident()

    def run(self, listener: socket.socket) -> None:
        """Send a report to each connection."""
        while True:
            try:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(_SEND_SECONDS)
                    connection.sendall(json.dumps(self.make_report()).encode())
            except OSError:
                time.sleep(_PAUSE_SECONDS)

    def make_report(self) -> dict[str, Any]:
        """The report as JSON."""
        requests = sorted(self._list_requests(), key=lambda one: -one[3])
        return {
            "pid": os.getpid(),
            "uptime_seconds": round(time.monotonic() - self._started, 1),
            "loop_seconds": None if self.loop is None else measure_loop(self.loop),
            "requests_in_progress": len(requests),
            "requests": [
                {"method": method, "route": route, "id": request_id, "seconds": round(age, 3)}
                for method, route, request_id, age in requests[:MAX_REQUESTS]
            ],
            "failing_jobs": self._list_failing_jobs(),
            "threads": list(self._list_threads()),
        }

    def _list_threads(self) -> Iterator[dict[str, Any]]:
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for ident, frame in sys._current_frames().items():
            if ident != threading.get_ident():
                main = "main" if self.loop is None else "event loop"
                name = main if ident == self._main else names.get(ident, "unknown")
                yield {"name": name, **describe_stack(frame)}


def describe_stack(frame: FrameType) -> dict[str, str | None]:
    """The innermost function of ARI in a stack, and what the thread waits for. No value of any variable is read."""
    place: str | None = None
    waits: str | None = None
    known = _WAITS[:1] if frame.f_code.co_filename.endswith(_IDLE) else _WAITS
    current: FrameType | None = frame
    while current is not None:
        code = current.f_code
        path = code.co_filename
        if waits is None:
            waits = next((words for part, words in known if part in path), None)
        if place is None and _ROOT in path:
            place = f"{path.rpartition(_ROOT)[2]}:{code.co_qualname}"
        current = current.f_back
    return {"at": place, "waits_for": waits}


def measure_loop(loop: asyncio.AbstractEventLoop, seconds: float = LOOP_SECONDS) -> float | None:
    """How long a callback waits for the event loop, in seconds; ``None`` if it is blocked or has ended."""
    ran = threading.Event()
    began = time.monotonic()
    try:
        loop.call_soon_threadsafe(ran.set)
    except RuntimeError:
        return None
    return time.monotonic() - began if ran.wait(seconds) else None
