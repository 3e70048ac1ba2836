"""Settings of the example, as short as Django allows."""

ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["ari.guard.django"]
MIDDLEWARE = [
    "ari.guard.django.ApiKeyMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
ARI_KEYS: dict[str, object] = {}  # the data directory that ARI_DATA_DIR names
ROOT_URLCONF = "examples.guard_django.orders"
SECRET_KEY = "only for an example"
USE_TZ = True
