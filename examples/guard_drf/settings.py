"""Settings of the example, as short as Django REST framework allows."""

ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["ari.guard.django", "rest_framework"]
MIDDLEWARE = ["ari.guard.django.ApiKeyMiddleware", "django.middleware.common.CommonMiddleware"]
ARI_KEYS: dict[str, object] = {}  # the data directory that ARI_DATA_DIR names
REST_FRAMEWORK: dict[str, object] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["ari.guard.drf.ApiKeyAuthentication"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}
ROOT_URLCONF = "examples.guard_drf.orders"
SECRET_KEY = "only for an example"
USE_TZ = True
