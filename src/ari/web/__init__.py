"""The pages: server-rendered HTML for the owner, complete without scripting."""

from starlette.routing import BaseRoute

from ari.instance import Instance
from ari.web.pages.account.routes import AccountPages
from ari.web.pages.create_key.routes import CreateKeyPages
from ari.web.pages.key.routes import KeyPages
from ari.web.pages.key.usage import KeyUsagePages
from ari.web.pages.reason.routes import ReasonPages
from ari.web.pages.settings_api.routes import SettingsApiPages
from ari.web.pages.settings_usage.routes import SettingsUsagePages
from ari.web.pages.setup.routes import SetupPages
from ari.web.pages.sign_in.routes import SignInPages
from ari.web.render import Pages, error_page
from ari.web.static_files import StaticFiles

__all__ = ["error_page", "routes"]


def routes(instance: Instance) -> list[BaseRoute]:
    """Every page of this instance; each endpoint says who may see it (``ari.http.access``)."""
    pages = Pages(instance)
    found: list[BaseRoute] = StaticFiles().routes()
    parts = (
        SignInPages,
        SetupPages,
        AccountPages,
        SettingsApiPages,
        SettingsUsagePages,
        CreateKeyPages,
        KeyPages,
        KeyUsagePages,
        ReasonPages,
    )
    for part in parts:
        found += part(pages).routes()
    return found
