"""A Django REST framework view behind djangorestframework-api-key, set lean: no middleware, one renderer.

``python drf_app.py COUNT`` makes the database named by DB and prints the keys, one a line.
"""

import os
import sys

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DB"], "CONN_MAX_AGE": None},
    },
    INSTALLED_APPS=["rest_framework", "rest_framework_api_key"],
    LOGGING_CONFIG=None,
    MIDDLEWARE=[],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
    ROOT_URLCONF="drf_app",
    SECRET_KEY="only for a benchmark",
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_api_key.models import APIKey
from rest_framework_api_key.permissions import HasAPIKey


class Thing(APIView):
    """The same five fields as everywhere."""

    permission_classes = (HasAPIKey,)

    def get(self, _request, thing_id):
        """Answer."""
        return Response({"id": thing_id, "name": "a thing", "size": 3, "tags": ["x"], "ok": True})


urlpatterns = [path("api/things/<thing_id>", Thing.as_view())]


def fill(count):
    """Make keys as the library makes them; their secrets."""
    call_command("migrate", verbosity=0)
    made = [APIKey(name=f"key {number}") for number in range(count)]
    secrets = [APIKey.objects.assign_key(key) for key in made]
    APIKey.objects.bulk_create(made)
    return secrets


if __name__ == "__main__":
    print("\n".join(fill(int(sys.argv[1]))))
else:
    wsgi = get_wsgi_application()
