"""``/metrics``: who may read it, and what it says while the database is down."""

import asyncio
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from ari.api import stored_facts
from ari.base.errors import Unavailable
from ari.server import build_metrics_app
from tests.support import asgi
from tests.support.app import App, content_of


def _parse(text: str) -> dict[str, float]:
    """The samples without labels, by name."""
    families: Any = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]  # untyped there
    samples = [sample for family in families for sample in family.samples]
    return {sample.name: sample.value for sample in samples if not sample.labels}


def _serve_alone(app: App, target: bytes = b"/metrics", method: str = "GET") -> asgi.AsgiResponse:
    """A response of the app for an address of its own."""
    return asyncio.run(asgi.call(build_metrics_app(app.app), method, target, [], b""))


def test_a_key_needs_the_scope(app: App) -> None:
    """Figures of the whole instance are not for any key, and nobody is redirected to a page."""
    assert app("GET", "/metrics", app.key("metrics:read", name="a")).status == 200
    assert content_of(app("GET", "/metrics", app.key("usage:read", name="b")))["scope"] == "metrics:read"
    assert content_of(app("GET", "/metrics"))["code"] == "missing"


def test_the_text_is_openmetrics_and_counts_requests(app: App) -> None:
    """A parser of the format reads it; the request that asks is in flight."""
    response = app("GET", "/metrics", app.key("metrics:read"))
    assert response.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    found = _parse(response.text)
    assert found["ari_database_up"] == found["ari_requests_in_flight"] == 1
    assert found["ari_lookup_duration_seconds_count"] == 1
    again = app("GET", "/metrics", app.key("metrics:read", name="other"), accept="text/plain")
    assert again.headers["content-type"].startswith("text/plain")
    assert 'ari_verifications_total{result="ok",source="request"} 1.0' in again.text


@pytest.mark.parametrize("accept", ["application/openmetrics-text; version=x", "*/*", "text/html, application/xml;q=9"])
def test_other_wishes_get_openmetrics(app: App, accept: str) -> None:
    """A collector with a new version of the format, or a browser, gets what is there rather than an error."""
    response = app("GET", "/metrics", app.key("metrics:read"), accept=accept)
    assert response.status == 200
    assert response.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")


@pytest.mark.parametrize("hangs", [False, True])
def test_without_a_database_it_has_the_other_figures(app: App, monkeypatch: pytest.MonkeyPatch, hangs: bool) -> None:
    """Monitoring is needed most while something is down, so neither an error nor a silent server hides it."""

    async def fail(_name: str) -> Any:
        if hangs:
            await asyncio.Event().wait()
        raise Unavailable("down")

    monkeypatch.setattr(stored_facts, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(app.instance.readiness, "check", fail)
    found = _parse(_serve_alone(app).text)
    assert found["ari_database_up"] == 0
    assert found["ari_workers"] == 1
    assert "ari_staged_rows" not in found


def test_the_address_of_its_own_serves_nothing_else(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key is asked there, so it must not reach any other route; ARI_ALLOWED_IPS holds there too."""
    assert _serve_alone(app).status == 200
    assert (_serve_alone(app, method="HEAD").status, _serve_alone(app, method="HEAD").body) == (200, b"")
    assert _serve_alone(app, b"/api/keys").status == 404
    assert _serve_alone(app, method="POST").status == 405
    narrowed = app.instance.settings.model_copy(update={"allowed_ips": ()})
    assert narrowed.allowed_ips == ()
    framework: Any = app.app.app
    for allowed, status in (("192.0.2.0/24", 403), ("127.0.0.0/8", 200)):
        settings = type(narrowed)(data_dir=narrowed.data_dir, allowed_ips=allowed)
        monkeypatch.setattr(framework.state.instance, "settings", settings)
        assert _serve_alone(app).status == status
