"""Probes: green only while keys can really be verified."""

from typing import Any

import pytest

from ari.base.errors import Unavailable
from ari.usage.ports import Batch
from ari.usage.readiness import Readiness
from tests.support.app import App, content_of
from tests.support.usage import make_row


def _presence(app: App) -> Any:
    fastapi: Any = app.app.app
    return fastapi.state.presence


def test_health_waits_for_every_worker_and_readiness_does_not(app: App) -> None:
    """A load balancer may send requests to a worker that serves while another still starts."""
    assert app("GET", "/api/health").status == 503
    assert app("GET", "/api/ready").status == 200
    _presence(app).enter()
    assert app("GET", "/api/health").status == 200


def test_a_database_that_does_not_respond_is_reported(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 and no details: the probe is open to anybody."""

    def fail() -> None:
        raise Unavailable("The database is down.", reason="hunter2")

    _presence(app).enter()
    monkeypatch.setattr(app.instance.database.usage, "check", fail)
    for path in ("/api/health", "/api/ready"):
        response = app("GET", path)
        assert (response.status, content_of(response)["code"]) == (503, "unavailable")
        assert b"hunter2" not in response.body


def test_probes_need_no_key_and_are_not_logged(app: App) -> None:
    """They come every second for ever."""
    app("GET", "/api/ready")
    assert app.rows() == []


def test_readiness_reports_the_backlog(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many logged requests aren't counted yet, and since when."""
    now_ms = app.instance.now_ms()
    ready = content_of(app("GET", "/api/ready"))
    assert (ready["backlog_count"], ready["backlog_seconds"]) == (0, 0)
    app.instance.database.usage.commit(Batch([make_row(now_ms - 7_900), make_row(now_ms)]))
    readiness = Readiness(app.instance.clock, app.instance.database.ping, app.instance.database.usage.backlog)
    monkeypatch.setattr(app.instance, "readiness", readiness)  # the other one asks once a second
    ready = content_of(app("GET", "/api/ready"))
    assert (ready["backlog_count"], ready["backlog_seconds"]) == (2, 7)
