"""URLs of Settings > API > Kinds, and of the scanner rules."""

from ari.web.navigation import Toast

KINDS = "/settings/kinds"
NEW_KIND = f"{KINDS}/new"
SCANNER_RULES = "/settings/scanner-rules"
KIND_NAME = "[a-z][a-z0-9-]{0,39}"
RETURN_TO = (rf"{KINDS}(?:/new|/{KIND_NAME}/(?:edit|remove))?", SCANNER_RULES)

KIND_ADDED = Toast("kind-added", "Kind added. Choose it when you create a key.")
KIND_CHANGED = Toast("kind-changed", "Kind updated. Existing keys keep their scopes and expiry.")
KIND_REMOVED = Toast("kind-removed", "Kind removed.")


def kind(name: str, verb: str) -> str:
    """A form of one kind: ``edit``, ``remove``."""
    return f"{KINDS}/{name}/{verb}"


def rules_file(scanner: str) -> str:
    """The file with the rules for one scanner."""
    return f"{SCANNER_RULES}/{scanner}"
