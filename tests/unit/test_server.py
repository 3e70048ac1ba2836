"""The doors as one app: errors of every kind have ARI's own form."""

from typing import Any

import pytest

from ari.deps import Deps
from tests.support.app import App, content_of


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
