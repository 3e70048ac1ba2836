"""A cache that responds before Django knows the language or the URLs of a request opens no guarded view."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, override_settings
from django.utils import translation

from ari.guard.django import get_ari
from ari.guard.testing import FakeKeys, fake_keys
from tests.support import django_languages


@pytest.fixture
def fake() -> Iterator[FakeKeys]:
    settings = {"LANGUAGES": [("en", "English"), ("de", "German")], "ROOT_URLCONF": django_languages.__name__}
    django_languages.BodyCache.kept.clear()
    with override_settings(MIDDLEWARE=django_languages.MIDDLEWARE, **settings), fake_keys(get_ari()) as keys:
        yield keys


def send(path: str, secret: str | None = None, method: str = "GET", **headers: str) -> Any:
    """A response of the project."""
    more = {} if secret is None else {"x-api-key": secret}
    return Client().generic(method, path, headers={**more, **headers})


@pytest.mark.parametrize("left", ["en", "de", None])
@pytest.mark.parametrize("path", ["/en/numbers", "/de/numbers"])
def test_urls_with_a_language_stay_closed(fake: FakeKeys, path: str, left: str | None) -> None:
    """Whatever language an earlier request left on the thread."""
    secret = fake.create("orders:read")
    first = send(path, secret)
    assert first.status_code == 200
    with translation.override(left):
        assert [send(path, method=method).status_code for method in ("GET", "HEAD", "PUT")] == [401] * 3
        cached = send(path, secret)
    assert (cached.content, cached.headers["Cache-Control"]) == (first.content, "private")
    assert [call.status for call in fake.requests] == [200, 401, 401, 401, 200]


def test_urls_that_a_middleware_chooses_stay_closed(fake: FakeKeys) -> None:
    """The middleware inside the cache doesn't run; its choice is remembered."""
    secret = fake.create("orders:read")
    assert send("/partner-numbers", secret, host="partners.shop.test").status_code == 200
    assert send("/partner-numbers", host="partners.shop.test").status_code == 401
    assert send("/partner-numbers", fake.create("orders:write"), host="partners.shop.test").status_code == 403
    assert send("/partner-numbers").status_code == 404


def test_open_views_stay_open(fake: FakeKeys) -> None:
    """From the cache, too, and so does what the cache alone knows."""
    django_languages.BodyCache.kept["http://testserver/elsewhere"] = b"a file"
    assert [send(path).status_code for path in ("/open", "/open", "/elsewhere")] == [200] * 3
