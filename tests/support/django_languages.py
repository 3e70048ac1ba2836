"""Middleware and URLs of a Django project with languages and with several ``urlconf``."""

from collections.abc import Callable
from typing import ClassVar

from django.conf.urls.i18n import i18n_patterns
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.support.django_project import read_number, read_open

Respond = Callable[[HttpRequest], HttpResponse]

MIDDLEWARE = [
    "ari.guard.django.ApiKeyMiddleware",
    f"{__name__}.BodyCache",
    "django.middleware.locale.LocaleMiddleware",
    f"{__name__}.ChooseUrls",
]


class BodyCache:
    """A cache around all others: keeps the bodies of pages, by host and path, and no headers."""

    kept: ClassVar[dict[str, bytes]] = {}

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        place = request.build_absolute_uri()
        if place in self.kept:
            return HttpResponse(self.kept[place])
        response = self.get_response(request)
        if response.status_code == 200:
            self.kept[place] = response.content
        return response


class ChooseUrls:
    """Other URLs for another host."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.get_host().startswith("partners."):
            request.urlconf = "tests.support.django_partners"
        return self.get_response(request)


urlpatterns = [*i18n_patterns(path("numbers", read_number)), path("open", read_open)]
