"""URLs of Settings > API > Rules for all keys."""

from ari.web.navigation import Toast

RULES = "/settings/rules"
PREVIEW = f"{RULES}/preview"
RETURN_TO = (RULES,)

RULES_CHANGED = Toast("rules-changed", "Rules updated. They hold for every key, at every door.")
