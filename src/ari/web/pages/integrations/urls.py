"""URLs of Settings > Integrations."""

from ari.web.navigation import Toast

INTEGRATIONS = "/settings/integrations"
RETURN_TO = (rf"{INTEGRATIONS}(?:/[a-z_]{{1,30}}/(?:key|address|remove|use))?",)

PROVIDER_KEY_SAVED = Toast("provider-key-saved", "Key saved. Test it to make sure the provider accepts it.")
PROVIDER_KEY_REMOVED = Toast("provider-key-removed", "Provider removed.")
PROVIDER_TESTED = Toast("provider-tested", "Test finished. See the result on the card.")
BASE_URL_SAVED = Toast("base-url-saved", "Base URL saved.")


def action(provider: str, name: str) -> str:
    """A page or form of one provider: ``key``, ``address`` (the base URL), ``remove``, ``use``, ``test``."""
    return f"{INTEGRATIONS}/{provider}/{name}"


def card(provider: str) -> str:
    """One provider on the page."""
    return f"{INTEGRATIONS}#integration-{provider}"
