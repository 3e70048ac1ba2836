"""URLs of a key's page and of its forms."""

from ari.web.navigation import KEY_ID, RANGE_QUERY, Toast

KEY = "/settings/keys/{key_id}"
RETURN_TO = (rf"/settings/keys/{KEY_ID}(?:/(?:rename|revoke|delete|disable|unused-scopes)|{RANGE_QUERY})",)

RENAMED = Toast("renamed", "Key renamed.")
DISABLED = Toast("disabled", "Key disabled. Requests with it will be refused until you enable it again.")
ENABLED = Toast("enabled", "Key enabled.")
REVOKED = Toast("revoked", "Key revoked. It no longer works.")
NARROWED = Toast("narrowed", "Unused scopes removed. Takes effect on the next request.")
NOT_NARROWED = Toast("not-narrowed", "The log or the key just changed. Take another look.")
DELETED = Toast("deleted", "Key deleted. Its usage and events are kept.")


def page(key_id: str) -> str:
    """The page of one key."""
    return f"/settings/keys/{key_id}"


def side(key_id: str) -> str:
    """The side of the page, which refreshes alone."""
    return f"{page(key_id)}?part=side"
