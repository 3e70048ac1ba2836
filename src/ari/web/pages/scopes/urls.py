"""URLs of Settings > API > Scopes."""

from ari.web.navigation import Toast

SCOPES = "/settings/scopes"
NEW_SCOPE = f"{SCOPES}/new"
PRESETS = "/settings/presets"
NEW_PRESET = f"{PRESETS}/new"
_SCOPE = "[a-z][a-z0-9_-]{0,30}:[a-z][a-z0-9_-]{0,30}"
_PRESET = "[a-z][a-z0-9-]{0,38}"
RETURN_TO = (rf"{SCOPES}(?:/new|/{_SCOPE}/(?:edit|remove|keys))?", rf"{PRESETS}/(?:new|{_PRESET}/(?:edit|remove))")

SCOPE_ADDED = Toast("scope-added", "Scope added. Grant it to the keys that need it.")
SCOPE_CHANGED = Toast("scope-changed", "Scope updated.")
SCOPE_REMOVED = Toast("scope-removed", "Scope removed.")
PRESET_SAVED = Toast("preset-saved", "Preset saved. Keys keep the scopes they have.")
PRESET_REMOVED = Toast("preset-removed", "Preset removed.")
PRESET_RESET = Toast("preset-reset", "Preset reset.")
DEFAULT_CHOSEN = Toast("default-chosen", "Default for new keys changed.")


def scope(name: str, verb: str) -> str:
    """A form or list of one scope: ``edit``, ``remove``, ``keys``."""
    return f"{SCOPES}/{name}/{verb}"


def preset(name: str, verb: str) -> str:
    """A form of one preset: ``edit``, ``remove``, ``default``."""
    return f"{PRESETS}/{name}/{verb}"
