"""URLs of the form that creates a key."""

from ari.web.navigation import KEY_ID
from ari.web.pages.kinds.urls import KIND_NAME

NEW_KEY = "/settings/keys/new"
NAME_ADVICE = f"{NEW_KEY}/name"
KIND_DEFAULTS = f"{NEW_KEY}/kind"
RETURN_TO = (rf"{NEW_KEY}(?:\?like={KEY_ID}|\?ai=[a-z_]{{1,30}}|\?kind={KIND_NAME})?",)


def like(key_id: str) -> str:
    """The form for a key with the same access."""
    return f"{NEW_KEY}?like={key_id}"


def for_provider(provider: str) -> str:
    """The form for a key that may use one provider of the AI gateway."""
    return f"{NEW_KEY}?ai={provider}"


def of_kind(name: str) -> str:
    """The form for a key of this kind, with its defaults."""
    return f"{NEW_KEY}?kind={name}"
