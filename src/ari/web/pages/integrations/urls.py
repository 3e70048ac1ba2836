"""URLs of Settings > Integrations."""

from ari.web.navigation import Toast

INTEGRATIONS = "/settings/integrations"
ADD_UPSTREAM = f"{INTEGRATIONS}/upstreams/add"
_KEY = "pky_[0-9A-Z]{26}|int_[0-9A-Z]{26}"
RETURN_TO = (
    rf"{INTEGRATIONS}(?:/[a-z][a-z0-9_-]{{0,30}}/(?:key|address|remove|use|keys/add|keys/(?:{_KEY})/remove))?",
    ADD_UPSTREAM,
)

PROVIDER_KEY_SAVED = Toast("provider-key-saved", "Key saved. Test it to make sure the provider accepts it.")
PROVIDER_KEY_ACCEPTED = Toast("provider-key-accepted", "Key saved. The provider accepted it.")
PROVIDER_KEY_NOT_ACCEPTED = Toast("provider-key-not-accepted", "Key saved. Its test failed; see the card.")
ONE_KEY_REMOVED = Toast("one-key-removed", "Key removed.")
KEY_MOVED = Toast("key-moved", "Key moved to the front.")
KEY_CHOICE_SAVED = Toast("key-choice-saved", "Use of the keys changed.")
UPSTREAM_ADDED = Toast("upstream-added", "Service added.")
PROVIDER_KEY_REMOVED = Toast("provider-key-removed", "Provider removed.")
PROVIDER_TESTED = Toast("provider-tested", "Test finished. See the result on the card.")
BASE_URL_SAVED = Toast("base-url-saved", "Base URL saved.")


def action(provider: str, name: str) -> str:
    """A page or form of one provider: ``key``, ``address`` (the base URL), ``remove``, ``use``, ``test``."""
    return f"{INTEGRATIONS}/{provider}/{name}"


def key_action(provider: str, key_id: str, name: str) -> str:
    """A page or form of one key: ``remove``, ``first``, ``test``."""
    return f"{INTEGRATIONS}/{provider}/keys/{key_id}/{name}"


def card(provider: str) -> str:
    """One provider on the page."""
    return f"{INTEGRATIONS}#integration-{provider}"
