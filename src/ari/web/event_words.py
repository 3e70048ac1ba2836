"""Words for events; ``layout/events.html`` makes sentences of them, for every page that shows events."""

from typing import Final

from ari.base.events import EVENT_NAMES, Event
from ari.web import ai_event_words

_TITLES: Final = {
    "key_scopes_changed": "Key access changed",
    "preset_removed": "Preset removed or reset",
    "key_secret_retired": "Old secret retired",
    "key_secret_retiring": "Old secret in use retires soon",
    "key_may_rotate_changed": "Rotation by the key's holder changed",
    "key_exposed": "Key exposed in a URL",
    "key_rehashed": "Imported key used for the first time",
    "key_leaked": "Key reported as leaked",
    "key_expiring": "Key expires soon",
    "key_expired_in_use": "Key expired while in use",
    "key_new_address": "Key used from a new network",
    "dead_key_called": "Inactive key used",
    "refused_burst": "Burst of refused requests",
    "budget_threshold_reached": "Budget used to 50, 80 or 100 percent",
    "ai_budgets_changed": "Shared budgets changed",
    "keys_unused": "Keys unused for a long time",
    "unauthorized_route": "Request reached an endpoint it wasn't authorized for",
    "owner_created": "Account created",
    "sign_in_refused": "Sign-in failed: incorrect password",
    "code_refused": "Incorrect code",
    "session_ended": "Session signed out",
    "sessions_ended": "Signed out everywhere",
    "identity_confirmed": "Password confirmed",
    "confirmation_refused": "Incorrect password (confirmation)",
    "email_changed": "Email address changed",
    "two_factor_enabled": "Two-factor authentication turned on",
    "two_factor_disabled": "Two-factor authentication turned off",
    "backup_codes_made": "Backup codes generated",
    "integration_base_url_changed": "Provider base URL changed",
    "integration_tested": "Provider key tested",
    "integration_unreachable": "Provider unreachable",
    "integration_works_again": "Provider works again",
    "ai_aliases_changed": "Model aliases changed",
    "ai_prices_changed": "Model prices changed",
    "events_exported": "Audit log exported",
    "webhook_secret_rotated": "Webhook's signing secret rotated",
    "webhook_failing": "Webhook fails",
    "webhook_replayed": "Webhook deliveries sent again",
    "usage_erased": "Client address erased from usage",
    "notification_switched": "Notification turned on or off",
    "mail_tested": "Test email sent",
    "backup_failed": "Scheduled backups fail",
    "events_removed": "Old events removed",
    "audit_accepted": "Audit log signed as found",
    "audit_copies_taken_over": "Copies of the audit log taken over",
    "clock_stepped": "System clock changed",
}
"""Short names of events where the words of the code aren't enough."""
_GROUPS: Final = (
    ("Keys", ("key_", "keys_", "dead_key_", "refused_burst", "consumer_", "instance_policy_")),
    ("Scopes", ("scope_", "preset_", "default_preset_")),
    ("Integrations", ("provider_", "integration_", "ai_", "upstream_", "webhook_")),
    (
        "Account",
        ("owner_", "sign", "session", "password_", "email_", "code_", "identity_", "confirmation_", "two_factor_"),
    ),
    ("Account", ("backup_codes_",)),
    ("Keys", ("kind_",)),
)
_WARNINGS: Final = (
    "key_revoked",
    "key_exposed",
    "key_leaked",
    "dead_key_called",
    "refused_burst",
    "unauthorized_route",
    "backup_failed",
)
_SECOND_STEPS: Final = {"app": " with a code", "backup": " with a backup code"}


def get_title(name: str) -> str:
    """The short name of an event, such as "Key revoked"."""
    return _TITLES.get(name, name.replace("_", " ").capitalize())


def describe_event(event: Event) -> str:
    """The title of an event, or what its detail says more precisely. Text of callers is added by the template."""
    detail = event.detail
    match event.name:
        case "signed_in":
            return get_title("signed_in") + _SECOND_STEPS.get(str(detail.get("second_step")), "")
        case "sessions_ended" if detail.get("kept_own"):
            return "Other sessions signed out"
        case "key_may_rotate_changed":
            return "Key can rotate itself" if detail.get("may_rotate") else "Key can no longer rotate itself"
        case "notification_switched":
            return "Notification turned on" if detail.get("on") else "Notification turned off"
        case "budget_threshold_reached":
            return ai_event_words.describe_budget_use(detail)
        case "key_budget_increased" | "consumer_budget_increased":
            return ai_event_words.describe_increase(detail) or get_title(event.name)
        case name:
            changes = ai_event_words.describe_changes(event)
            return f"{get_title(name)}: {changes}" if changes else get_title(name)


def is_warning(event: Event) -> bool:
    """Whether lists mark the event: an attempt was refused, or a key is or was in danger."""
    return event.name.endswith("_refused") or event.name in _WARNINGS


def group_names() -> dict[str, list[str]]:
    """All event names by what they are about, in the order of the reference."""
    groups: dict[str, list[str]] = {"Keys": [], "Scopes": [], "Account": [], "Integrations": [], "Instance": []}
    for name in EVENT_NAMES:
        group = next((title for title, prefixes in _GROUPS if name.startswith(prefixes)), "Instance")
        groups[group].append(name)
    return groups
