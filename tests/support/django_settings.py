"""Settings of the Django project that the tests serve."""

ALLOWED_HOSTS = ["*"]
ARI_KEYS = {"DATA_DIR": "/nowhere"}
INSTALLED_APPS = ["ari.guard.django", "rest_framework"]
LOGGING_CONFIG = None
MIDDLEWARE = [
    "ari.guard.django.ApiKeyMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
REST_FRAMEWORK: dict[str, object] = {"UNAUTHENTICATED_USER": None, "DEFAULT_AUTHENTICATION_CLASSES": []}
ROOT_URLCONF = "tests.support.django_project"
SECRET_KEY = "only for tests"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
USE_TZ = True
