"""The doors as one app: errors of every kind have ARI's own form."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from ari import jobs
from ari.deps import Deps
from tests.support.app import App, content_of
from tests.support.collector import running_collector


def test_the_frameworks_own_errors_are_problem_details(app: App) -> None:
    """security.md 7: in our words, with a stable code, and without a value that the caller sent."""
    key = app.key()
    for method, target, content, code in (
        ("GET", "/api/nothing", None, "not_found"),
        ("PUT", "/api/keys", {}, "method_not_allowed"),
        ("POST", "/api/keys", {"name": 7, "hunter2": "hunter2"}, "invalid"),
        ("GET", "/api/keys?limit=hunter2", None, "invalid"),
    ):
        response = app(method, target, key, content)
        assert response.headers["content-type"] == "application/problem+json"
        assert content_of(response)["code"] == code
        assert b"hunter2" not in response.body


def test_a_bug_is_a_problem_document_without_details(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 has the form, the code and the headers of every other error."""

    async def fail(*_: Any) -> Any:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(Deps, "read", fail)
    response = app("GET", "/api/events", app.key())
    assert response.status == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert content_of(response)["code"] == "internal"
    assert b"hunter2" not in response.body


def test_jobs_that_failed_do_not_stop_the_end() -> None:
    """What comes after them closes the usage log. Their failure is logged."""

    async def fail() -> None:
        raise OSError("hunter2")

    async def wait() -> None:
        await asyncio.Event().wait()

    async def end_both() -> None:
        for job in (fail, wait):
            running = asyncio.create_task(job())
            await asyncio.sleep(0)
            await jobs.end(running)
            assert running.done()

    with capture_logs() as logs:
        asyncio.run(end_both())
    assert [one["event"] for one in logs] == ["the jobs had failed"]


def test_the_environment_does_not_turn_on_the_frameworks_traces(make_server: Callable[..., Any]) -> None:
    """They have queries, and continue the traces of strangers. FastAPI sends the last ones when it ends."""
    with running_collector() as collector:
        server = make_server(
            settings={
                "ARI_TRACES": "off",
                "FASTAPI_OTEL_AUTO_CONFIGURE": "true",
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            }
        )
        server.start()
        httpx2.get(f"{server.url}/api/health?token=hunter2", headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
        assert server.stop() == 0
        assert collector.bodies == []
