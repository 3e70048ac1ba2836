"""OpenTelemetry's own warnings, such as those about a collector that is down: one in five minutes, in ARI's words."""

import logging
from time import monotonic

import requests
import structlog

from ari.base.throttle import Throttle
from ari.tracing.collector_session import CollectorFault
from ari.tracing.safe_values import clean_text

_PERIOD_SECONDS = 300.0
_LOGGER = "opentelemetry"
_FAILED, _REPEATED, _LATE, _FULL = (
    "Failed to export %s batch code",
    "Transient error",
    "batch due to timeout",
    "Queue full",
)
"""Parts of its warnings: without success, with another try, at the end of the tries, and without room."""
_TOO_LATE = "the collector didn't take them in time"
_REASONS = (
    (requests.exceptions.SSLError, "no TLS connection to the collector is possible"),
    (requests.exceptions.ConnectionError, "the collector can't be reached"),
    (requests.exceptions.Timeout, _TOO_LATE),
)

_log = structlog.get_logger("ari.tracing")


class _Reporter(logging.Handler):
    def __init__(self, collector: str) -> None:
        super().__init__(logging.WARNING)
        self._collector = collector
        self._throttle = Throttle(_PERIOD_SECONDS, monotonic, 1)

    def emit(self, record: logging.LogRecord) -> None:
        if self._throttle.allows(None):
            _log.warning("traces may be incomplete", collector=self._collector, reason=_explain(record))


def report_failures(collector: str) -> None:
    """Log the first warning of five minutes, with the name of the ``collector``."""
    logger = logging.getLogger(_LOGGER)
    logger.propagate = False
    logger.handlers[:] = [_Reporter(collector)]


def _explain(record: logging.LogRecord) -> str:
    """Why spans are missing. It quotes no header and nothing that the collector said."""
    text, given = str(record.msg), record.args if isinstance(record.args, tuple) else ()
    if text.startswith(_FAILED) and len(given) > 1 and isinstance(given[1], int):
        return f"the collector returned {given[1]}"
    if text.startswith((_FAILED, _REPEATED)):
        return next(filter(None, map(_explain_error, given)), "the collector refused them")
    if _LATE in text:
        return _TOO_LATE
    return "there were more spans than could be sent" if text.startswith(_FULL) else _quote(text, given)


def _explain_error(value: object) -> str | None:
    if isinstance(value, CollectorFault):
        return str(value)
    known = next((reason for kind, reason in _REASONS if isinstance(value, kind)), None)
    return known or (f"sending them failed: {type(value).__name__}" if isinstance(value, BaseException) else None)


def _quote(text: str, given: tuple[object, ...]) -> str:
    """Another warning, with its numbers and the types of its errors. Other values may quote a header or a response."""
    try:
        text %= tuple(map(_describe_value, given))
    except (TypeError, ValueError):
        text = text.partition("%")[0].rstrip()
    return clean_text(text)


def _describe_value(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    return type(value).__name__ if isinstance(value, BaseException) else "…"
