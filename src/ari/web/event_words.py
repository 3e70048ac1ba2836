"""Events in words, for every page that shows them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from markupsafe import Markup

from ari.base.events import EVENT_NAMES, Event
from ari.base.user_agent import browser_name

Detail = Mapping[str, Any]

_TITLES: Final = {
    "key_scopes_changed": "Key access changed",
    "key_exposed": "Key exposed in a URL",
    "key_leaked": "Key reported as leaked",
    "key_expiring": "Key expires soon",
    "key_expired_in_use": "Key expired while in use",
    "key_new_address": "Key used from a new IP address",
    "dead_key_called": "Inactive key used",
    "refused_burst": "Burst of refused requests",
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
    "events_exported": "Audit log exported",
    "usage_erased": "Client address erased from usage",
    "notification_switched": "Notification turned on or off",
    "mail_tested": "Test email sent",
    "events_removed": "Old events removed",
    "audit_accepted": "Audit log signed as found",
    "clock_stepped": "System clock changed",
}
"""Short names of events where the words of the code aren't enough."""
_GROUPS: Final = (
    ("Keys", ("key_", "keys_", "dead_key_", "refused_burst")),
    ("Integrations", ("provider_", "integration_")),
    (
        "Account",
        ("owner_", "sign", "session", "password_", "email_", "code_", "identity_", "confirmation_", "two_factor_"),
    ),
    ("Account", ("backup_codes_",)),
)
_SECOND_STEPS: Final = {"app": " with a code", "backup": " with a backup code"}


def get_title(name: str) -> str:
    """The short name of an event, such as "Key revoked"."""
    return _TITLES.get(name, name.replace("_", " ").capitalize())


def describe_event(event: Event) -> Markup:
    """An event in one plain sentence; text of callers is isolated and escaped."""
    describe = _SENTENCES.get(event.name)
    sentence = (describe(event.detail) if describe else None) or Markup.escape(get_title(event.name))
    return sentence + (f", {event.detail['counted']} more times" if "counted" in event.detail else "")


def is_warning(event: Event) -> bool:
    """Whether lists mark the event: an attempt was refused, or a key is or was in danger."""
    return event.name.endswith("_refused") or event.name in _WARNINGS


def group_names() -> dict[str, list[str]]:
    """All event names by what they are about, in the order of the reference."""
    groups: dict[str, list[str]] = {"Keys": [], "Account": [], "Integrations": [], "Instance": []}
    for name in EVENT_NAMES:
        group = next((title for title, prefixes in _GROUPS if name.startswith(prefixes)), "Instance")
        groups[group].append(name)
    return groups


def _quote(text: object) -> Markup:
    return Markup("<q><bdi>{}</bdi></q>").format(text)


def _name_key(verb: str) -> Callable[[Detail], Markup | None]:
    def describe(detail: Detail) -> Markup | None:
        return Markup("Key {} {}").format(_quote(detail["name"]), verb) if detail.get("name") else None

    return describe


def _describe_rename(detail: Detail) -> Markup:
    return Markup("Key renamed from {} to {}").format(_quote(detail.get("from", "")), _quote(detail.get("to", "")))


def _describe_scopes(detail: Detail) -> Markup | None:
    scopes = detail.get("to")
    if not isinstance(scopes, Iterable) or isinstance(scopes, str) or not scopes:
        return None
    return Markup("Key access changed to <code>{}</code>").format(" ".join(map(str, scopes)))


def _describe_revocation(detail: Detail) -> Markup | None:
    return Markup("Key revoked: {}").format(_quote(detail["reason"])) if detail.get("reason") else None


def _describe_leak(detail: Detail) -> Markup | None:
    place = detail.get("url") or detail.get("source")
    return Markup("Key reported as leaked: {}").format(_quote(place)) if place else None


def _describe_sign_in(detail: Detail) -> Markup:
    return Markup.escape("Signed in" + _SECOND_STEPS.get(str(detail.get("second_step")), ""))


def _describe_session(detail: Detail) -> Markup:
    return Markup("Session signed out: {}").format(browser_name(detail.get("user_agent")))


def _describe_sessions(detail: Detail) -> Markup | None:
    return Markup("Other sessions signed out") if detail.get("kept_own") else None


def _describe_switch(detail: Detail) -> Markup:
    return Markup("Notification turned on") if detail.get("on") else Markup("Notification turned off")


_SENTENCES: Final[Mapping[str, Callable[[Detail], Markup | None]]] = {
    "key_created": _name_key("created"),
    "key_deleted": _name_key("deleted"),
    "key_renamed": _describe_rename,
    "key_scopes_changed": _describe_scopes,
    "key_revoked": _describe_revocation,
    "key_leaked": _describe_leak,
    "signed_in": _describe_sign_in,
    "session_ended": _describe_session,
    "sessions_ended": _describe_sessions,
    "notification_switched": _describe_switch,
}
"""Sentences that depend on the detail; ``None``: it lacks what the sentence needs."""
_WARNINGS: Final = (
    "key_revoked",
    "key_exposed",
    "key_leaked",
    "dead_key_called",
    "refused_burst",
    "unauthorized_route",
)
