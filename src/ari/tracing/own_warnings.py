"""OpenTelemetry's own warnings, such as those about a collector that is down: a few in the log, not one a second."""

import logging
from time import monotonic

import structlog

from ari.base.throttle import Throttle
from ari.tracing.collector_session import CollectorFault
from ari.tracing.safe_values import clean_text

_PERIOD_SECONDS = 300.0
_MAX_KINDS = 100
_LOGGER = "opentelemetry"

_log = structlog.get_logger("ari.tracing")


class _Reporter(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._throttle = Throttle(_PERIOD_SECONDS, monotonic, _MAX_KINDS)

    def emit(self, record: logging.LogRecord) -> None:
        if self._throttle.allows((record.name, record.msg)):
            _log.warning("traces may be incomplete", reason=_describe(record))


def report_failures() -> None:
    """Log each kind of warning at most once in five minutes."""
    logger = logging.getLogger(_LOGGER)
    logger.propagate = False
    logger.handlers[:] = [_Reporter()]


def _describe(record: logging.LogRecord) -> str:
    """The warning with its numbers and the types of its errors. Other values may quote a header or a response."""
    given = record.args if isinstance(record.args, tuple) else ()
    try:
        text = str(record.msg) % tuple(map(_describe_value, given))
    except (TypeError, ValueError):
        text = record.name
    return clean_text(text)


def _describe_value(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, CollectorFault):
        return str(value)
    return type(value).__name__ if isinstance(value, BaseException) else "…"
