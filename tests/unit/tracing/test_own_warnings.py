"""OpenTelemetry's own warnings: what failed, without what a header or a collector says."""

import logging
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from ari.tracing.collector_session import CollectorFault
from ari.tracing.own_warnings import report_failures


@pytest.fixture
def library() -> Iterator[logging.Logger]:
    """OpenTelemetry's logger, as it is while traces are on."""
    logger = logging.getLogger("opentelemetry")
    before = logger.handlers[:], logger.propagate
    report_failures()
    yield logger
    logger.handlers[:], logger.propagate = before


def test_a_warning_quotes_nothing(library: logging.Logger) -> None:
    """Errors of requests quote URLs and headers, and a collector chooses its reason."""
    with capture_logs() as logs:
        library.error("Failed: %s, reason: %s", 503, "hunter2")
        library.error("Error %s in %.2fs", ValueError("hunter2"), 1.5)
    assert [one["reason"] for one in logs] == ["Failed: 503, reason: …", "Error ValueError in 1.50s"]


def test_a_fault_of_the_collector_is_explained(library: logging.Logger) -> None:
    """ARI's own sentences have nothing of the response but numbers."""
    with capture_logs() as logs:
        library.error("Failed: %s, reason: %s", None, CollectorFault("the collector returned 307, a redirect"))
    assert [one["reason"] for one in logs] == ["Failed: None, reason: the collector returned 307, a redirect"]
