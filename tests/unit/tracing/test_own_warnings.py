"""OpenTelemetry's own warnings: what failed, without what a header or a collector says."""

import logging
from collections.abc import Iterator
from decimal import Decimal

import pytest
import requests
from structlog.testing import capture_logs

from ari.tracing.collector_session import CollectorFault
from ari.tracing.own_warnings import report_failures

COLLECTOR = "127.0.0.1:4318"
FAILED = "Failed to export %s batch code: %s, reason: %s"
REPEATED = "Transient error %s encountered while exporting %s batch, retrying in %.2fs."


@pytest.fixture
def library() -> Iterator[logging.Logger]:
    """OpenTelemetry's logger, as it is while traces are on."""
    logger = logging.getLogger("opentelemetry")
    before = logger.handlers[:], logger.propagate
    report_failures(COLLECTOR)
    yield logger
    logger.handlers[:], logger.propagate = before


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        (FAILED, ("spans", 400, "hunter2"), "the collector returned 400"),
        (FAILED, ("spans", None, CollectorFault("it returned 307")), "it returned 307"),
        (FAILED, ("spans", None, ValueError("hunter2")), "sending them failed: ValueError"),
        (FAILED, ("spans", None, requests.ReadTimeout("hunter2")), "the collector didn't take them in time"),
        (REPEATED, ("hunter2", "spans", 1.5), "the collector refused them"),
        (REPEATED, (requests.ConnectionError("hunter2"), "spans", 1.5), "the collector can't be reached"),
        (
            REPEATED,
            (requests.exceptions.SSLError("hunter2"), "spans", 1),
            "no TLS connection to the collector is possible",
        ),
        (
            "Failed to export %s batch due to timeout, max retries or shutdown.",
            ("spans",),
            "the collector didn't take them in time",
        ),
        ("Queue full, dropping %s.", ("Span",), "there were more spans than could be sent"),
        ("Other: %s, %s in %.2fs", ("hunter2", ValueError("hunter2"), 1.5), "Other: …, ValueError in 1.50s"),
        ("Wrong: %d", (Decimal(7),), "Wrong:"),
    ],
)
def test_a_warning_is_a_sentence_of_ari(
    library: logging.Logger, text: str, given: tuple[object, ...], expected: str
) -> None:
    """With the collector's name. Errors quote URLs and headers, collectors choose their reasons: neither is shown."""
    with capture_logs() as logs:
        library.error(text, *given)
    [entry] = logs
    assert (entry["event"], entry["collector"]) == ("traces may be incomplete", COLLECTOR)
    assert entry["reason"] == expected


def test_other_warnings_of_five_minutes_are_left_out(library: logging.Logger) -> None:
    """A collector that is down causes several kinds of them."""
    with capture_logs() as logs:
        library.warning(REPEATED, requests.ConnectionError(), "spans", 1)
        library.getChild("sdk").warning("Queue full, dropping %s.", "Span")
        library.error(FAILED, "spans", 503, "down")
    assert [one["reason"] for one in logs] == ["the collector can't be reached"]
