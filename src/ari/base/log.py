"""Configure the log: one line per entry, as text or JSON. It never contains secrets or local variables.

Entries that are written while a request is served have its ids. Their texts are cut so that lines have less than 4,096
bytes: the longer ones of several processes could mix in a pipe.
"""

import logging
import logging.config
import math
import os
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, TextIO

import structlog

from ari.base.log_stream import MAX_LINE_BYTES, LogStream
from ari.base.secrets_in_text import cut_secrets, mask_passwords
from ari.base.served_request import find_served_request
from ari.base.settings import Settings

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_MAX_TRACEBACK = 3_000
"""Characters, the last ones: they name the error."""
_FIRST = ("time", "level", "logger", "message")
_TRACEBACKS = ("exception", "traceback")
_CUTS = (1_000, 300, 100, 30)
"""Characters of each text in a line that is too long, the first number with which it isn't."""
_Event = MutableMapping[str, Any]


def escape_controls(text: str) -> str:
    """Escape control and bidi characters as ``\\x1b``, so text stays on its line and can't control a terminal."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class _Logger:
    """Writes each entry at once, so that those of other processes don't come between."""

    def __init__(self, stream: LogStream, name: str) -> None:
        self.name = name
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write an entry; it never fails."""
        self._stream.write(line + "\n")

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


class _Bounded:
    """Renders an entry as a line that fits into a pipe at once."""

    def __init__(self, render: Any) -> None:
        self._render = render

    def __call__(self, logger: Any, method: str, event: _Event) -> str:
        line, cut = self._try(logger, method, event), event
        for length in _CUTS:
            if len(line) < MAX_LINE_BYTES and len(line.encode(errors="backslashreplace")) < MAX_LINE_BYTES:
                return line
            cut = {name[:length]: _cut(name, value, length) for name, value in event.items()}
            line = self._try(logger, method, cut)
        few = {name: cut[name] for name in _FIRST if name in cut}
        return self._try(logger, method, few)

    def _try(self, logger: Any, method: str, event: _Event) -> str:
        return str(self._render(logger, method, dict(event)))


def _cut(name: str, value: Any, length: int) -> Any:
    """A value with at most so many characters. The end of a traceback names the error."""
    if value is None or isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else str(value)
    return text[-length:] if name in _TRACEBACKS else text[:length]


class _ProcessFields:
    """Adds the process to an entry. ``worker`` is its number, ``None`` in processes that are no workers."""

    def __init__(self) -> None:
        self.worker: int | None = None

    def __call__(self, _logger: Any, _method: str, event: _Event) -> _Event:
        event["pid"] = os.getpid()
        if self.worker is not None:
            event.setdefault("worker", self.worker)
        return event


_process = _ProcessFields()


def name_worker(number: int | None) -> None:
    """Write the number of this worker into each entry that follows."""
    _process.worker = number


def _add_request(_logger: Any, _method: str, event: _Event) -> _Event:
    """Add the ids of the request that is served. ``span_id`` belongs to ``trace_id``, so both or none are added."""
    request = find_served_request()
    if request is not None:
        event.setdefault("request_id", request.request_id)
        ids = None if request.trace is None or "trace_id" in event else request.trace.find_ids()
        if ids is not None:
            event["trace_id"], event["span_id"] = ids
    return event


def _make_safe(_logger: Any, _method: str, event: _Event) -> Mapping[str, Any]:
    return {_safe_text(name): _safe(value, is_traceback=name == "exception") for name, value in event.items()}


def _safe(value: Any, *, is_traceback: bool = False) -> Any:
    """The value with its texts safe, at any depth. What is no value of JSON becomes text."""
    if isinstance(value, str):
        return _safe_traceback(value) if is_traceback else _safe_text(value)
    if value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, Mapping):
        return {_safe_text(str(name)): _safe(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe(one) for one in value]
    return _safe_text(repr(value))


def _safe_text(value: str) -> str:
    return escape_controls(mask_passwords(cut_secrets(value)))


def _safe_traceback(value: str) -> str:
    """The end of a traceback, in the same way, but with its lines."""
    text = mask_passwords(cut_secrets(value))
    return "\n".join(map(escape_controls, text[-_MAX_TRACEBACK:].split("\n")))


def _join_traceback(_logger: Any, _method: str, event: _Event) -> _Event:
    """Write a traceback into the line of its entry. The renderer has lines of their own for two names."""
    if "stack" in event:
        event["stack_info"] = event.pop("stack")
    lines = str(event.pop("exception", "")).split("\n")
    if lines != [""]:
        event["traceback"] = " | ".join(line.strip() for line in lines)
    return event


def _order(_logger: Any, _method: str, event: _Event) -> _Event:
    return {name: event[name] for name in (*_FIRST, *event) if name in event}


def _list_last(*, as_text: bool, colors: bool) -> Iterable[Any]:
    """The processors that make an entry a line."""
    yield structlog.processors.format_exc_info
    if as_text:
        yield _make_safe
        yield _join_traceback
        yield _Bounded(structlog.dev.ConsoleRenderer(colors=colors, timestamp_key="time"))
    else:
        yield _process
        yield structlog.processors.EventRenamer("message")
        yield _make_safe
        yield _order
        yield _Bounded(structlog.processors.JSONRenderer())


def _report_loss(lost: int) -> None:
    structlog.get_logger("ari.log").warning("the log couldn't be written; entries are lost", count=lost)


def configure_log(settings: Settings, stream: TextIO = sys.stderr) -> None:
    """Send structlog and standard-library logging to ``stream`` in the configured format."""
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and stream.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _add_request,
    ]
    lines = LogStream(stream, _report_loss)
    last = list(_list_last(as_text=as_text, colors=stream.isatty()))
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level.upper())),
        logger_factory=lambda *names: _Logger(lines, str(names[0]) if names else "ari"),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(lines)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING if settings.log_level == "info" else settings.log_level.upper())
