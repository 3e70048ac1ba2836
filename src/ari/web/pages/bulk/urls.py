"""URLs of the forms that act on many keys."""

from ari.keys.listing import asks_log
from ari.web.navigation import Toast, with_query
from ari.web.pages.settings_api.urls import KeysView

BULK = "/settings/keys/many"
MATCHING = "/settings/keys/matching"
RETURN_TO = ()

KEYS_REVOKED = Toast("many-revoked", "Keys revoked. They no longer work.")
KEYS_DISABLED = Toast("many-disabled", "Keys disabled. They don't work until you enable them again.")
KEYS_DELETED = Toast("many-deleted", "Keys deleted. Their usage and events are kept.")
KEYS_EXPIRY_CHANGED = Toast("many-expire", "Expiry updated.")
TOASTS = {
    "revoke": KEYS_REVOKED,
    "disable": KEYS_DISABLED,
    "delete": KEYS_DELETED,
    "expire": KEYS_EXPIRY_CHANGED,
}
"""By the action of a form."""
NOTHING_LEFT = Toast("nothing-left", "Nothing changed: someone else updated these keys in the meantime.")


def build_matching_url(verb: str, view: KeysView) -> str:
    """The form for every key that matches the table's search and filters."""
    if verb == "delete" or asks_log(view.show):
        return with_query(BULK, {"do": verb, "pick": "shown", **view.filters})
    return with_query(MATCHING, {"do": verb, **view.filters})
