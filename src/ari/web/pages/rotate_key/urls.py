"""URLs of the forms that rotate a key and retire its old secret."""

from ari.web.navigation import KEY_ID, Toast

RETURN_TO = (rf"/settings/keys/{KEY_ID}/(?:rotate|retire-old)",)

RETIRED = Toast("retired", "Old secret retired. It no longer works.")


def rotate(key_id: str) -> str:
    """The form that gives a key a new secret."""
    return f"/settings/keys/{key_id}/rotate"


def retire_old(key_id: str) -> str:
    """The question before the old secret is retired."""
    return f"/settings/keys/{key_id}/retire-old"
