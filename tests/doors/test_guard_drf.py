"""``ari.guard.drf``: views of Django REST framework require scopes of keys, in the framework's own style."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from rest_framework.permissions import IsAuthenticated
from rest_framework.settings import api_settings

from ari.guard.drf import HasKey
from ari.guard.drf.permission import find_permission
from tests.support import django_project
from tests.support.guard import GuardedInstance, guarded_instance


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[GuardedInstance]:
    with guarded_instance(tmp_path) as found, override_settings(ARI_KEYS={"DATA_DIR": found.data_dir}):
        yield found


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    assert django_project.urlpatterns
    with httpx2.Client(transport=httpx2.WSGITransport(app=WSGIHandler()), base_url="http://shop.test") as found:
        yield found


def test_scopes_by_method(instance: GuardedInstance, client: httpx2.Client) -> None:
    """Reading and writing have their own scopes; the user is the key, and the log has the router's pattern."""
    made = instance.create_key("reader", "orders:read")
    headers = {"x-api-key": made.secret}
    listed = client.get("/drf/orders/", headers=headers)
    assert listed.json() == {"user": "reader", "key": made.key.id, "pk": made.key.id}
    assert client.get("/drf/orders/7/", headers=headers).json() == {"id": "7"}
    assert client.post("/drf/orders/", headers=headers, json={}).status_code == 403
    written = client.post("/drf/orders/", headers={"x-api-key": instance.create_secret()}, json={"a": 1})
    assert (written.status_code, written.json()) == (201, {"a": 1})
    assert instance.read_facts() == [
        ("ok", "GET", "/drf/orders/", 200),
        ("ok", "GET", "/drf/orders/<pk>/", 200),
        ("insufficient_scope", "POST", "/drf/orders/", 403),
        ("ok", "POST", "/drf/orders/", 201),
    ]


def test_refusals_pass_through_the_framework(instance: GuardedInstance, client: httpx2.Client) -> None:
    """Its exception handler and renderers make the response, with the problem's fields and ARI's headers."""
    missing = client.get("/drf/orders/")
    assert (missing.status_code, missing.json()["code"]) == (401, "missing")
    assert missing.headers["content-type"] == "application/json"
    assert missing.headers["www-authenticate"] == 'Bearer realm="ari", ApiKey realm="ari", header="x-api-key"'
    assert missing.headers["cache-control"] == "no-store"
    secret = instance.create_secret(limits=[{"name": "default", "limit": 1, "window": "1h"}])
    found = [client.get("/drf/orders/", headers={"x-api-key": secret}) for _ in range(2)]
    assert [one.status_code for one in found] == [200, 429]
    assert int(found[1].headers["retry-after"]) > 0
    assert found[1].headers["ratelimit"].startswith('"default";r=0')


def test_an_exception_handler_makes_no_success_of_a_refusal(
    instance: GuardedInstance, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal is sent after all."""
    monkeypatch.setattr(api_settings, "EXCEPTION_HANDLER", django_project.hide_refusals)
    found = client.get("/drf/orders/")
    assert (found.status_code, found.headers["content-type"]) == (401, "application/problem+json")


def test_a_key_or_a_user_of_the_app(instance: GuardedInstance, client: httpx2.Client) -> None:
    """Either is enough; the user's requests are not the guard's."""
    secret = instance.create_secret("orders:read")
    assert client.get("/drf/either/", headers={"x-api-key": secret}).json() == {"user": "KeyUser"}
    assert client.get("/drf/either/", headers={"x-staff": "yes"}).json() == {"user": "HeaderUser"}
    assert client.get("/drf/either/").status_code == 403
    wrong = client.get("/drf/either/", headers={"x-api-key": instance.create_secret("orders:write")})
    assert wrong.json()["code"] == "insufficient_scope"
    assert [row.status for row in instance.read_rows()] == [200, 403]


def test_a_view_without_a_scope_accepts_no_key(instance: GuardedInstance, client: httpx2.Client) -> None:
    """``IsAuthenticated`` alone would accept keys made for something else."""
    found = client.get("/drf/unnamed/", headers={"x-api-key": instance.create_secret("*")})
    assert found.status_code == 401
    assert instance.read_rows() == []


def test_the_permission_alone(instance: GuardedInstance, client: httpx2.Client) -> None:
    """It needs no authentication class, like ``HasAPIKey`` of djangorestframework-api-key, whose header works."""
    made = instance.create_key()
    found = client.get("/drf/plain", headers={"authorization": f"Api-Key {made.secret}"})
    assert found.json() == {"user": None, "key": made.key.id}
    assert client.get("/drf/plain").json()["code"] == "missing"


def test_the_browsable_api_asks_without_deciding(instance: GuardedInstance, client: httpx2.Client) -> None:
    """Its forms are for methods that the key may use; showing them changes neither the response nor the log."""
    headers = {"x-api-key": instance.create_secret("orders:read"), "accept": "text/html"}
    page = client.get("/drf/orders/", headers=headers)
    assert page.status_code == 200
    assert 'method="POST"' not in page.text
    options = client.options("/drf/orders/", headers={"x-api-key": headers["x-api-key"]})
    assert (options.status_code, "POST" in options.json().get("actions", {})) == (200, False)
    assert client.get("/drf/orders/", headers={"accept": "text/html"}).status_code == 401
    assert [row.status for row in instance.read_rows()] == [200, 200]


def test_the_openapi_document_has_the_schemes(instance: GuardedInstance, client: httpx2.Client) -> None:
    """For views whose permissions have a key; the document itself shows only what its reader may use."""
    headers = {"accept": "application/vnd.oai.openapi+json"}
    document: dict[str, Any] = client.get("/schema/whole", headers=headers).json()
    assert document["components"]["securitySchemes"].keys() == {"Bearer", "ApiKey"}
    operation = document["paths"]["/drf/orders/"]["post"]
    assert operation["security"] == [{"Bearer": []}, {"ApiKey": []}]
    assert operation["x-required-scopes"] == ["orders:write"]
    assert {} in document["paths"]["/drf/either/"]["get"]["security"]
    narrow = client.get("/schema", headers=headers)
    assert (narrow.status_code, "/drf/orders/" in narrow.json()["paths"]) == (200, False)
    assert instance.read_rows() == []


def test_a_failure_before_the_permissions_is_logged(instance: GuardedInstance, client: httpx2.Client) -> None:
    """The framework negotiates the response's type first; the request of a key is in the log all the same."""
    headers = {"x-api-key": instance.create_secret(), "accept": "text/unknown"}
    assert client.get("/drf/orders/", headers=headers).status_code == 406
    assert client.get("/drf/orders/", headers={"accept": "text/unknown"}).status_code == 406
    assert instance.read_facts() == [("ok", "GET", "/drf/orders/", 406)]


class View:
    """Only the permissions of a view."""

    def __init__(self, *classes: Any) -> None:
        self._classes = classes

    def get_permissions(self) -> list[Any]:
        return [one() for one in self._classes]


def test_ambiguous_permissions_fail() -> None:
    """Two keys of one request, or a negated one, can't be decided in one row."""
    one, other = HasKey("orders:read"), HasKey("orders:write")
    assert find_permission(View(IsAuthenticated & one)).permission is not None
    assert find_permission(View(IsAuthenticated)).permission is None
    for classes in ((one, other), (one | other,), (~one,)):
        with pytest.raises(ImproperlyConfigured, match="one HasKey at most"):
            find_permission(View(*classes))
    with pytest.raises(ImproperlyConfigured, match="not both"):
        HasKey("orders:read", read="orders:read", write="orders:write")
    with pytest.raises(ImproperlyConfigured, match="not both"):
        HasKey(read="orders:read")
