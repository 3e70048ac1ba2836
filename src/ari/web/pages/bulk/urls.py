"""URLs of the forms that act on many keys."""

from urllib.parse import quote

from ari.web.navigation import Toast
from ari.web.pages.settings_api.urls import KeysView

BULK = "/settings/keys/many"
RETURN_TO = ()

KEYS_REVOKED = Toast("many-revoked", "Keys revoked. They no longer work.")
KEYS_DELETED = Toast("many-deleted", "Keys deleted. Their usage and events are kept.")
KEYS_EXPIRY_CHANGED = Toast("many-expire", "Expiry updated.")
NOTHING_LEFT = Toast("nothing-left", "Nothing changed: someone else updated these keys in the meantime.")


def build_matching_url(verb: str, view: KeysView) -> str:
    """The form for every key that matches the table's search and filter."""
    return f"{BULK}?do={verb}&pick=shown&q={quote(view.text, safe='')}&show={view.show}"
