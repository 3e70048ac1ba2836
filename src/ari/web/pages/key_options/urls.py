"""URLs of the form for the options of a key."""

from ari.web.navigation import KEY_ID, Toast

OPTIONS = "/settings/keys/{key_id}/options"
CONSUMER_CHOICES = "/settings/consumer-choices"
RETURN_TO = (rf"/settings/keys/{KEY_ID}/options",)

OPTIONS_CHANGED = Toast("options-changed", "Options updated. They apply from the next request.")


def options(key_id: str) -> str:
    """The form for the options of one key."""
    return f"/settings/keys/{key_id}/options"


def suggest(key_id: str) -> str:
    """The same form with the addresses that the log has."""
    return f"{options(key_id)}?suggest=yes"
