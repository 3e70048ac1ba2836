"""What Settings > Security shows."""

from dataclasses import dataclass

from ari.accounts.model import Session, TwoFactor
from ari.accounts.ports import AccountTransaction
from ari.base.events import Event
from ari.base.user_agent import browser_name

LATEST_EVENTS = 20
_SECOND_STEPS = {"app": " with a code", "backup": " with a backup code"}
_EVENT_NAMES = {
    "owner_created": "Account created",
    "signed_in": "Signed in",
    "sign_in_refused": "Sign-in failed: incorrect password",
    "code_refused": "Incorrect code",
    "signed_out": "Signed out",
    "session_ended": "Session signed out",
    "sessions_ended": "Signed out everywhere",
    "identity_confirmed": "Password confirmed",
    "confirmation_refused": "Incorrect password (confirmation)",
    "password_changed": "Password changed",
    "password_reset_requested": "Password reset requested",
    "email_change_requested": "Email change requested",
    "email_changed": "Email address changed",
    "two_factor_enabled": "Two-factor authentication turned on",
    "two_factor_disabled": "Two-factor authentication turned off",
    "backup_codes_made": "Backup codes generated",
}


@dataclass(frozen=True, slots=True)
class AccountSecurity:
    """An account's sessions, newest first, its two-factor authentication and its latest events."""

    sessions: list[Session]
    two_factor: TwoFactor | None
    codes_left: int
    events: list[Event]


def read_security(tx: AccountTransaction) -> AccountSecurity:
    """Read the calling account."""
    account_id = tx.caller.actor
    return AccountSecurity(
        tx.accounts.sessions_of(account_id, tx.now_ms),
        tx.second_step.two_factor(account_id),
        tx.second_step.count_backup_codes(account_id),
        tx.events.page(account_id, None, LATEST_EVENTS),
    )


def describe_event(event: Event) -> str:
    """An event of the account in words."""
    name = _EVENT_NAMES.get(event.name, event.name.replace("_", " ").capitalize())
    if "counted" in event.detail:
        return f"{name}, {event.detail['counted']} more times"
    if event.name == "signed_in":
        return name + _SECOND_STEPS.get(event.detail.get("second_step", ""), "")
    if event.name == "session_ended":
        return f"{name}: {browser_name(event.detail.get('user_agent'))}"
    if event.name == "sessions_ended" and event.detail.get("kept_own"):
        return "Other sessions signed out"
    return name


def is_refusal(event: Event) -> bool:
    """Whether an attempt was refused."""
    return event.name.endswith("_refused")
