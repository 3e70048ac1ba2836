"""URLs of the forms that change a key's access and expiry."""

from ari.web.navigation import KEY_ID, Toast

RETURN_TO = (rf"/settings/keys/{KEY_ID}/(?:access|expiry)",)

ACCESS_CHANGED = Toast("access-changed", "Access updated. Takes effect on the next request.")
EXPIRY_CHANGED = Toast("expiry-changed", "Expiry updated.")
