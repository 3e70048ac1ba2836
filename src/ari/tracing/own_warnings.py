"""OpenTelemetry's own warnings, such as those about a collector that is down: a few in the log, not one a second."""

import logging
from time import monotonic

import structlog

from ari.base.throttle import Throttle
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
            _log.warning("traces may be incomplete", reason=clean_text(record.getMessage()))


def report_failures() -> None:
    """Log each kind of warning at most once in five minutes."""
    logger = logging.getLogger(_LOGGER)
    logger.propagate = False
    logger.handlers[:] = [_Reporter()]
