"""URLs of Settings > Security, and of the link that confirms an email address."""

from ari.web.navigation import Toast

SECURITY = "/settings/security"
PASSWORD = f"{SECURITY}/password"
ADDRESS = f"{SECURITY}/address"
TWO_FACTOR = f"{SECURITY}/two-factor"
TURN_OFF = f"{TWO_FACTOR}/off"
BACKUP_CODES = f"{SECURITY}/backup-codes"
CONFIRM_ADDRESS = "/confirm-address"
RETURN_TO = (SECURITY, PASSWORD, ADDRESS, TWO_FACTOR, TURN_OFF, BACKUP_CODES)

PASSWORD_CHANGED = Toast("password-changed", "Password changed. You've been signed out of other sessions.")
ADDRESS_ASKED = Toast("address-asked", "Confirmation link sent. Open it within 30 minutes to switch addresses.")
EMAIL_CHANGED = Toast("email-changed", "Email address changed.")
TWO_FACTOR_OFF = Toast("two-factor-off", "Two-factor authentication is off. You've been signed out of other sessions.")
SESSION_ENDED = Toast("session-ended", "Session signed out.")
SESSIONS_ENDED = Toast("sessions-ended", "Signed out of your other sessions.")


def end_session(session_id: str) -> str:
    """The form that ends another session."""
    return f"{SECURITY}/sessions/{session_id}/end"
