"""The view of ``drf_app.py`` without djangorestframework-api-key: bare, or with GUARD=1 behind ``ari.guard``.

The settings are the same, but for the guard's middleware and the data of ARI in place of a database.
"""

import os

import django
from django.conf import settings

GUARDED = os.environ.get("GUARD") == "1"
settings.configure(
    ALLOWED_HOSTS=["*"],
    ARI_KEYS={"TRUSTED_PROXIES": ["127.0.0.1/32"]},
    INSTALLED_APPS=["rest_framework", *(["ari.guard.django"] if GUARDED else [])],
    LOGGING_CONFIG=None,
    MIDDLEWARE=["ari.guard.django.ApiKeyMiddleware"] if GUARDED else [],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
    ROOT_URLCONF="benchmarks.apps.drf_route",
    SECRET_KEY="only for a benchmark",
    USE_TZ=True,
)
django.setup()

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ari.guard.django import require_key
from ari.guard.drf import HasKey

THING = {"name": "a thing", "size": 3, "tags": ["x"], "ok": True}


class Thing(APIView):
    """The same five fields as everywhere."""

    permission_classes = (HasKey(any_key=True),) if GUARDED else ()

    def get(self, _request: Request, thing_id: str) -> Response:
        return Response({"id": thing_id, **THING})


def read_thing(_request: HttpRequest, thing_id: str) -> JsonResponse:
    """Likewise, in Django alone."""
    return JsonResponse({"id": thing_id, **THING})


urlpatterns = [
    path("api/things/<thing_id>", Thing.as_view()),
    path("plain/things/<thing_id>", require_key(any_key=True)(read_thing) if GUARDED else read_thing),
]
wsgi = get_wsgi_application()
