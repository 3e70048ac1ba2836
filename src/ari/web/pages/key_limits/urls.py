"""URLs of the form for a key's limits and credits."""

from ari.web.navigation import KEY_ID, Toast
from ari.web.pages.key.urls import KEY

LIMITS = f"{KEY}/limits"
RESET = f"{LIMITS}/reset"
TOP_UP = f"{KEY}/credits"
RETURN_TO = (rf"/settings/keys/{KEY_ID}/limits",)

LIMITS_CHANGED = Toast("limits-changed", "Limits updated. They apply from the next request.")
LIMITS_RESET = Toast("limits-reset", "Limits reset. Nothing counts as used.")
CREDITS_ADDED = Toast("credits-added", "Credits added.")
