"""Every provider: one file each, whose ``PROVIDER`` says all there is to know. A new file is a new provider."""

import pkgutil
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from types import MappingProxyType

from ari.base.errors import NotFound
from ari.integrations.model import Provider


@lru_cache(maxsize=1)
def providers() -> Mapping[str, Provider]:
    """All providers by name, in the order of their titles; the general one comes last."""
    found: list[Provider] = [import_module(f"{__name__}.{one.name}").PROVIDER for one in pkgutil.iter_modules(__path__)]
    found.sort(key=lambda one: (one.name == "openai_compatible", one.title.casefold()))
    return MappingProxyType({one.name: one for one in found})


def get_provider(name: str) -> Provider:
    """Raises ``NotFound``."""
    found = providers().get(name)
    if found is None:
        raise NotFound("No such provider. GET /api/integrations lists them.")
    return found
