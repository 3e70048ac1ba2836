"""URLs of the pages for a forgotten password."""

from ari.web.navigation import Toast

FORGOT = "/forgot-password"
RESET = "/reset-password"
RETURN_TO = ()

PASSWORD_RESET = Toast(
    "password-reset", "Password changed. You've been signed out everywhere; sign in with your new password."
)
