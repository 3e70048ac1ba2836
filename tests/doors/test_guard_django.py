"""``ari.guard.django``, local, under WSGI and ASGI: a guarded Django project refuses and logs as ARI does."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.core.cache import caches
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory, override_settings

from ari import keys
from ari.base.errors import ConfigurationError
from ari.guard.django import require_key
from tests.support import django_project, django_settings
from tests.support.guard import GuardedInstance, guarded_instance

Send = Callable[..., httpx2.Response]


@contextmanager
def served_instance(folder: Path, database_url: str | None = None) -> Iterator[GuardedInstance]:
    """An instance on whose data the project verifies."""
    with (
        guarded_instance(folder, database_url) as found,
        override_settings(ARI_KEYS={"DATA_DIR": found.data_dir, "DATABASE_URL": database_url}),
    ):
        yield found


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[GuardedInstance]:
    with served_instance(tmp_path) as found:
        yield found


@pytest.fixture(params=["wsgi", "asgi"])
def send(request: pytest.FixtureRequest) -> Send:
    """Sends a request to the project, which is served by one of Django's handlers."""
    return send_wsgi if request.param == "wsgi" else send_asgi


def send_wsgi(method: str, path: str, key: str | None = None, **options: Any) -> httpx2.Response:
    transport = httpx2.WSGITransport(app=WSGIHandler())
    with httpx2.Client(transport=transport, base_url="http://shop.test") as client:
        return client.request(method, path, **add_key(options, key))


def send_asgi(method: str, path: str, key: str | None = None, **options: Any) -> httpx2.Response:
    async def run() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=ASGIHandler(), raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            return await client.request(method, path, **add_key(options, key))

    return asyncio.run(run())


def add_key(options: dict[str, Any], key: str | None) -> dict[str, Any]:
    if key is None:
        return options
    return {**options, "headers": {"x-api-key": key, **options.get("headers", {})}}


def test_requests_are_decided_and_logged(tmp_path: Path, database_url: str | None, send: Send) -> None:
    """With the URL pattern, the path and the status of the project's own response; on both databases."""
    with served_instance(tmp_path, database_url) as instance:
        check_decisions(instance, send)


def check_decisions(instance: GuardedInstance, send: Send) -> None:
    made = instance.create_key("reader", "orders:read")
    found = send("GET", "/v1/orders/7", made.secret, headers={"user-agent": "shop/1", "x-request-id": "order-7"})
    assert found.json() == {"id": 7, "key": made.key.id, "may_write": False}
    assert found.headers["cache-control"] == "private"
    assert send("GET", "/v1/async/8", made.secret).json() == {"id": 8, "key": made.key.id}
    assert send("GET", "/v1/legacy/9.json", made.secret).status_code == 200
    assert send("POST", "/v1/orders", made.secret).status_code == 403
    assert send("GET", "/open", made.secret).text == "open None"
    assert send("GET", "/unmatched", made.secret).status_code == 404
    first, *others = instance.read_rows()
    assert (first.code, first.method, first.route, first.path, first.status, first.source) == (
        "ok",
        "GET",
        "/v1/orders/<int:order_id>",
        "/v1/orders/7",
        200,
        "guard",
    )
    assert (first.key_id, first.user_agent, first.request_id) == (made.key.id, "shop/1", "order-7")
    assert first.bytes == len(found.content)
    assert [(row.code, row.route, row.status) for row in others] == [
        ("ok", "/v1/async/<int:order_id>", 200),
        ("ok", "/v1/legacy/<order_id>.json", 200),
        ("insufficient_scope", "/v1/orders", 403),
    ]


def test_refusals_are_those_of_ari(instance: GuardedInstance, send: Send) -> None:
    """Problem details with code and challenges, for each view of a class, too; a HEAD has no body."""
    missing = send("GET", "/v1/orders/7")
    assert (missing.status_code, missing.headers["content-type"]) == (401, "application/problem+json")
    assert missing.json()["code"] == "missing"
    assert missing.headers["www-authenticate"] == 'Bearer realm="ari", ApiKey realm="ari", header="x-api-key"'
    assert send("GET", "/v1/orders/7", "ari_k_nonsense").json()["code"] == "malformed"
    lacking = send("POST", "/v1/class", instance.create_secret("orders:read"))
    assert (lacking.status_code, lacking.json()["scope"]) == (403, "orders:write")
    one, other = instance.create_secret(), instance.create_secret()
    twice = send("GET", "/v1/orders/7", one, headers={"authorization": f"Bearer {other}"})
    assert (twice.status_code, twice.json()["code"]) == (400, "invalid_request")
    assert send("GET", f"/v1/orders/7?key={one}").json()["code"] == "key_in_url"
    assert send("HEAD", "/v1/orders/7").content == b""
    assert send("GET", "/v1/orders/7", headers={"authorization": f"Api-Key {one}"}).status_code == 200


def test_keys_need_no_csrf_token(instance: GuardedInstance, send: Send) -> None:
    """The CSRF middleware is on; functions and classes that require a key are exempt."""
    secret = instance.create_secret()
    assert send("POST", "/v1/orders", secret).status_code == 201
    assert send("POST", "/v1/class", secret).text == "orders"
    assert send("POST", "/open").status_code == 403


def test_a_revoked_key_is_refused_by_the_next_request(instance: GuardedInstance, send: Send) -> None:
    """No cache may say yes."""
    made = instance.create_key()
    assert send("GET", "/v1/orders/1", made.secret).status_code == 200
    instance.deps.do_sync(keys.revoke, made.key.id)
    assert send("GET", "/v1/orders/1", made.secret).json()["code"] == "revoked"


def test_limits_are_decided_before_the_view(instance: GuardedInstance, send: Send) -> None:
    """The third of two requests is refused, with what remains in the headers; a refusal consumes nothing."""
    secret = instance.create_secret(limits=[{"name": "default", "limit": 2, "window": "1h"}])
    found = [send("POST", "/v1/orders", secret) for _ in range(3)]
    assert [one.status_code for one in found] == [201, 201, 429]
    assert [one.headers["ratelimit"].partition(";t=")[0] for one in found] == [
        '"default";r=1',
        '"default";r=0',
        '"default";r=0',
    ]
    assert int(found[2].headers["retry-after"]) > 0
    assert [(row.code, row.status) for row in instance.read_rows()] == [
        ("ok", 201),
        ("ok", 201),
        ("rate_limited", 429),
    ]


def test_views_that_fail_and_stream(instance: GuardedInstance, send: Send) -> None:
    """A failure is Django's 500, and the log has it."""
    secret = instance.create_secret()
    assert send("GET", "/v1/failing", secret).status_code == 500
    assert send("GET", "/v1/stream", secret).content == b"onetwo"
    assert instance.read_facts() == [("ok", "GET", "/v1/failing", 500), ("ok", "GET", "/v1/stream", 200)]


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
def test_a_stream_that_fails_before_its_first_piece(instance: GuardedInstance, send: Send) -> None:
    """The caller and the log both see a 500."""
    secret = instance.create_secret()
    for path in ("/v1/failing-stream", "/v1/failing-stream?async"):
        assert send("GET", path, secret).status_code == 500
    assert [row.status for row in instance.read_rows()] == [500, 500]


def test_a_propagated_exception_is_logged(instance: GuardedInstance) -> None:
    """The server, not Django, then makes the response of an exception."""
    with override_settings(DEBUG_PROPAGATE_EXCEPTIONS=True), pytest.raises(ValueError, match="the view fails"):
        send_wsgi("GET", "/v1/failing", instance.create_secret())
    assert instance.read_facts() == [("ok", "GET", "/v1/failing", 500)]


def test_two_guards_and_an_undeclared_scope(
    instance: GuardedInstance, send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    """Both scopes are needed, in one row. An undeclared scope is the project's fault."""
    assert send("GET", "/v1/both", instance.create_secret()).status_code == 200
    assert send("GET", "/v1/both", instance.create_secret("orders:read")).status_code == 403
    assert [row.status for row in instance.read_rows()] == [200, 403]
    with caplog.at_level(logging.ERROR):
        refused = send("GET", "/v1/undeclared", instance.create_secret("*"))
    assert refused.status_code == 500
    assert "The guard of GET /v1/undeclared is wrong." in caplog.text
    assert f"Request ID: {refused.headers['x-request-id']}" in caplog.text


def test_caches_of_django_open_nothing(instance: GuardedInstance, send: Send) -> None:
    """A cache outside a guard stores nothing; one inside works, for callers with a key. In REST framework, too."""
    secret = instance.create_secret()
    for path in ("/numbers", "/drf/cached", "/numbers/blind", "/numbers/unmarked"):
        assert send("GET", path, secret).status_code == 200
        assert send("GET", path).status_code == 401
    assert send("GET", "/numbers", secret).text != send("GET", "/numbers", secret).text
    assert send("GET", "/numbers/cached", secret).text == send("GET", "/numbers/cached", secret).text
    assert send("GET", "/numbers/cached").status_code == 401


@pytest.mark.parametrize(
    "path",
    ["/v1/orders/7", "/v1/async/7", "/numbers", "/numbers/cached", "/numbers/class", "/drf/plain", "/drf/methods/"],
)
def test_a_cache_of_the_whole_site_opens_nothing(instance: GuardedInstance, send: Send, path: str) -> None:
    """Whatever it holds, from a cache inside the guard too: each response needs a key, and is logged and private."""
    made = instance.create_key()
    with override_settings(MIDDLEWARE=with_site_cache()):
        caches["default"].clear()
        for _ in range(2):
            found = send("GET", path, made.secret)
            assert (found.status_code, "private" in found.headers["cache-control"]) == (200, True)
            assert {"authorization", "x-api-key"} <= set(found.headers["vary"].lower().split(", "))
        assert [send(method, path).status_code for method in ("GET", "HEAD")] == [401, 401]
        assert send("GET", path, instance.create_secret("orders:write")).status_code == 403
        instance.deps.do_sync(keys.revoke, made.key.id)
        assert send("GET", path, made.secret).json()["code"] == "revoked"
        assert send("GET", path, headers={"authorization": f"Bearer {made.secret}"}).status_code == 401
    assert [row.status for row in instance.read_rows()] == [200, 200, 403, 401, 401]
    assert len({row.route for row in instance.read_rows()}) == 1


def test_a_cache_of_the_whole_site_serves_open_views(instance: GuardedInstance, send: Send) -> None:
    """To callers without a key."""
    with override_settings(MIDDLEWARE=with_site_cache()):
        caches["default"].clear()
        assert [send("GET", path).status_code for path in ("/open", "/open", "/drf/methods/7/", "/drf/methods/7/")] == [
            200
        ] * 4


def with_site_cache() -> list[str]:
    """The middleware of the project, with Django's cache as its documentation places it."""
    update, fetch = (f"django.middleware.cache.{name}CacheMiddleware" for name in ("Update", "FetchFrom"))
    return [django_settings.MIDDLEWARE[0], update, *django_settings.MIDDLEWARE[1:], fetch]


def test_classes_of_async_views(instance: GuardedInstance, send: Send) -> None:
    """Decorated themselves, or in their ``dispatch``: a refusal is no failure."""
    for path in ("/v1/class/async", "/v1/class/dispatch"):
        assert send("GET", path).json()["code"] == "missing"
        assert send("GET", path, instance.create_secret()).text == "orders"
    assert send("GET", "/v1/class/dispatch", instance.create_secret("orders:read")).status_code == 403


def test_a_log_that_cannot_be_written_is_a_503(instance: GuardedInstance, send: Send) -> None:
    """In place of what the view said; a view that writes doesn't run."""
    secret = instance.create_secret()
    assert send("GET", "/v1/orders/1", secret).status_code == 200
    with instance.break_log():
        assert send("GET", "/v1/orders/1", secret).json()["code"] == "unavailable"
        assert send("POST", "/v1/orders", secret).status_code == 503
        assert send("GET", "/v1/failing", secret).status_code == 503
    assert [row.status for row in instance.read_rows()] == [200]


def test_unavailable_data_is_a_503(send: Send, tmp_path: Path) -> None:
    """Never open."""
    with override_settings(ARI_KEYS={"DATA_DIR": tmp_path / "typo"}):
        assert send("GET", "/v1/orders/1", "ari_k_x").status_code == 503
        [found] = run_checks(tags=["security"])
        assert (found.id, found.hint) == ("ari_guard.W002", f"Run: ari migrate --data-dir {tmp_path / 'typo'}")
    assert not (tmp_path / "typo").exists()


def test_a_guarded_view_without_the_middleware_fails(instance: GuardedInstance) -> None:
    """It is never open, and ``manage.py check`` reports it."""
    request = RequestFactory().get("/v1/orders/1")
    with pytest.raises(ImproperlyConfigured, match="MIDDLEWARE lacks"):
        django_project.read_order(request, 1)
    with override_settings(MIDDLEWARE=[]):
        assert [one.id for one in run_checks(tags=["security"])] == ["ari_guard.E001"]
    with override_settings(MIDDLEWARE=django_settings.MIDDLEWARE[::-1]):
        assert [one.id for one in run_checks(tags=["security"])] == ["ari_guard.W001"]
    assert run_checks(tags=["security"]) == []


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        (None, "Set ARI_KEYS"),
        ({"DATA_DIRECTORY": "/x"}, "unknown or unfitting: DATA_DIRECTORY"),
        ({"URL": "https://keys.example.net", "DATA_DIR": "/x"}, "unfitting: DATA_DIR"),
        ({"URL": "https://keys.example.net"}, "key must be an ARI API key"),
        ({"TRUSTED_PROXIES": ["0.0.0.0/0"]}, "don't trust every address"),
    ],
)
def test_wrong_settings_stop_the_start(setting: object, sentence: str) -> None:
    """In the check, and when the server loads the middleware."""
    with override_settings(ARI_KEYS=setting):
        [found] = run_checks(tags=["security"])
        assert sentence in found.msg
        with pytest.raises(ImproperlyConfigured, match=sentence):
            WSGIHandler()


def test_a_guard_without_a_scope_stops_the_start() -> None:
    """A forgotten scope must not open a view."""
    with pytest.raises(ConfigurationError, match="Name a scope"):
        require_key()
