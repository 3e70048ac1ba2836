"""Probes become traces only where they say something."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ari.http.traced_requests import TracedRequestHandler


class _Trace:
    """Notes the end of a span."""

    def __init__(self, *, is_continued: bool) -> None:
        self.is_continued = is_continued
        self.finished: list[bool] = []

    def finish(self, _: Any, *, failed: bool) -> None:
        self.finished.append(failed)


@pytest.mark.parametrize(
    ("template", "status", "is_continued", "expected"),
    [
        ("/api/ready", 200, False, []),
        ("/metrics", 401, False, []),
        ("/api/ready", 503, False, [True]),
        ("/api/health", None, False, [False]),
        ("/api/health", 200, True, [False]),
        ("/api/me", 200, False, [False]),
    ],
)
def test_only_probes_that_succeed_are_left_out(
    template: str, status: int | None, is_continued: bool, expected: list[bool]
) -> None:
    """A probe that fails is what a trace is for."""
    handler = TracedRequestHandler.__new__(TracedRequestHandler)
    handler._services = cast("Any", SimpleNamespace(settings=SimpleNamespace(secure=False)))
    context = SimpleNamespace(
        served=SimpleNamespace(status=status),
        record=SimpleNamespace(row=None),
        route=SimpleNamespace(template=template),
        head=SimpleNamespace(known_method="GET"),
        request_id="req_1",
        key=None,
    )
    trace = _Trace(is_continued=is_continued)
    handler._finish(cast("Any", context), cast("Any", trace))
    assert trace.finished == expected
