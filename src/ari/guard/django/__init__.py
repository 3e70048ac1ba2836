"""API keys for Django: a middleware, and a decorator for views.

::

    # settings.py
    INSTALLED_APPS = ["ari.guard.django", ...]
    MIDDLEWARE = ["ari.guard.django.ApiKeyMiddleware", ...]
    ARI_KEYS = {"DATA_DIR": "/var/lib/ari"}

    # views.py
    @require_key("orders:read")
    def read_order(request, order_id):
        key = request.ari_key
"""

from ari.base.extras import importing

with importing("guard-django"):
    from ari.guard.django.configured import get_ari
    from ari.guard.django.guarded_views import ApiKeyMiddleware, find_held, find_route, keep_key, require_key
    from ari.guard.django.undecided import ViewGuards, finders, keep_private

from ari.guard.verified_key import Key, KeyConsumer

__all__ = [
    "ApiKeyMiddleware",
    "Key",
    "KeyConsumer",
    "ViewGuards",
    "find_held",
    "find_route",
    "finders",
    "get_ari",
    "keep_key",
    "keep_private",
    "require_key",
]
