"""The ``Ari`` object of a Django project, made from the setting ``ARI_KEYS``.

The name holds ``KEY``, so Django hides the whole setting on its error pages.
"""

from collections.abc import Mapping
from threading import Lock
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from ari.base.errors import ConfigurationError
from ari.guard.entry import Ari

SETTING = "ARI_KEYS"
_LOCAL = ("DATA_DIR", "DATABASE_URL", "TRUSTED_PROXIES")
_REMOTE = ("URL", "KEY", "TIMEOUT_SECONDS", "ON_UNAVAILABLE", "STALENESS_SECONDS", "TRUSTED_PROXIES")
_MISSING = (
    'Set ARI_KEYS: {"DATA_DIR": …} or {"DATABASE_URL": …} to verify in this process, {"URL": …, "KEY": …} to ask an '
    "instance, or {} to take the place of the data from the environment, such as ARI_DATA_DIR."
)
_lock = Lock()
_made: list[Ari] = []


def get_ari() -> Ari:
    """The project's ``Ari``, made when first wanted. Raises ``ImproperlyConfigured`` for a wrong ``ARI_KEYS``."""
    with _lock:
        if not _made:
            _made.append(_make(getattr(settings, SETTING, None)))
        return _made[0]


def _make(given: Any) -> Ari:
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured(_MISSING)
    is_remote = "URL" in given
    unknown = sorted(set(given) - set(_REMOTE if is_remote else _LOCAL))
    if unknown:
        raise ImproperlyConfigured(f"ARI_KEYS: unknown or unfitting: {', '.join(map(str, unknown))}.")
    options = {name.lower(): value for name, value in given.items()}
    try:
        if not is_remote:
            return Ari.local(**options)
        return Ari.remote(options.pop("url"), key=options.pop("key", ""), **options)
    except ConfigurationError as error:
        raise ImproperlyConfigured(f"ARI_KEYS: {error}") from None


def _forget(*, setting: str, **_: Any) -> None:
    """Tests change settings; the next request uses the new ones."""
    if setting == SETTING:
        with _lock:
            stopped = _made.copy()
            _made.clear()
        for ari in stopped:
            ari.stop()


setting_changed.connect(_forget, dispatch_uid="ari.guard.django")
