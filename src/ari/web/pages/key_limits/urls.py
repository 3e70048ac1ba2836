"""URLs of the forms for the limits, credits and budgets of keys and consumers."""

from ari.web.navigation import CONSUMER_ID, KEY_ID, Toast

_FORMS = "(?:limits|budgets)(?:/reset)?"
RETURN_TO = (rf"/settings/keys/{KEY_ID}/{_FORMS}", rf"/settings/consumers/{CONSUMER_ID}/{_FORMS}")

LIMITS_CHANGED = Toast("limits-changed", "Limits updated. They apply from the next request.")
LIMITS_RESET = Toast("limits-reset", "Limits reset. Nothing counts as used.")
CREDITS_ADDED = Toast("credits-added", "Credits added.")
BUDGETS_CHANGED = Toast("budgets-changed", "Budgets updated. They apply from the next request.")
BUDGET_INCREASED = Toast("budget-increased", "Budget increased.")
BUDGETS_RESET = Toast("budgets-reset", "Budgets reset. Nothing counts as used.")
