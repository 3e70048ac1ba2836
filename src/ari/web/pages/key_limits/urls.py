"""URLs of the forms for the limits and credits of keys and consumers."""

from ari.web.navigation import CONSUMER_ID, KEY_ID, Toast

RETURN_TO = (rf"/settings/keys/{KEY_ID}/limits", rf"/settings/consumers/{CONSUMER_ID}/limits")

LIMITS_CHANGED = Toast("limits-changed", "Limits updated. They apply from the next request.")
LIMITS_RESET = Toast("limits-reset", "Limits reset. Nothing counts as used.")
CREDITS_ADDED = Toast("credits-added", "Credits added.")
