"""Django's app, for ``INSTALLED_APPS``: its system checks find a guard that can't work."""

import shlex
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from ari.base.errors import ConfigurationError
from ari.guard.django.configured import get_ari
from ari.guard.django.guarded_views import ApiKeyMiddleware


class AriGuardConfig(AppConfig):
    """Registers the checks."""

    name = "ari.guard.django"
    label = "ari_guard"
    verbose_name = "ARI API keys"

    def ready(self) -> None:
        """Called by Django once it is set up."""
        checks.register(check_guard, checks.Tags.security)


def check_guard(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:  # noqa: ARG001 - Django's call
    """Errors for a missing middleware or wrong setting; warnings if the middleware isn't first, or there is no data."""
    found: list[checks.CheckMessage] = []
    places = [place for place, name in enumerate(settings.MIDDLEWARE) if _is_guard(name)]
    if not places:
        hint = 'Add "ari.guard.django.ApiKeyMiddleware" to MIDDLEWARE, as the first.'
        found.append(checks.Error("Guarded views fail without their middleware.", hint=hint, id="ari_guard.E001"))
    elif places[0] > 0:
        hint = 'Move "ari.guard.django.ApiKeyMiddleware" to the front of MIDDLEWARE.'
        text = "The usage log doesn't see responses of the middleware before ARI's."
        found.append(checks.Warning(text, hint=hint, id="ari_guard.W001"))
    try:
        missing = get_ari().find_missing_data()
    except (ImproperlyConfigured, ConfigurationError) as error:
        found.append(checks.Error(str(error), id="ari_guard.E002"))
    else:
        if missing is not None:
            text = f"There is no ARI data in {missing}, so guarded requests get a 503."
            hint = f"Run: ari migrate --data-dir {shlex.quote(str(missing))}"
            found.append(checks.Warning(text, hint=hint, id="ari_guard.W002"))
    return found


def _is_guard(name: str) -> bool:
    try:
        middleware = import_string(name)
    except ImportError:
        return False  # Django reports it
    return isinstance(middleware, type) and issubclass(middleware, ApiKeyMiddleware)
