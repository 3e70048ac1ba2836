"""Probes become traces only where they say something."""

import pytest

from ari.http.traced_requests import is_usual_probe


@pytest.mark.parametrize(
    ("template", "status", "expected"),
    [
        ("/api/ready", 200, True),
        ("/metrics", 401, True),
        ("/api/ready", 503, False),
        ("/api/health", None, False),
        ("/api/me", 200, False),
    ],
)
def test_only_probes_that_succeed_are_left_out(template: str, status: int | None, expected: bool) -> None:
    """A probe that fails is what a trace is for."""
    assert is_usual_probe(template, status) == expected
