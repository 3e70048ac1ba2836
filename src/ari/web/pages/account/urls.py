"""URLs of the account menu."""

from ari.web.navigation import Toast

PREFERENCES = "/preferences"
SIGN_OUT = "/sign-out"
SIGN_OUT_EVERYWHERE = "/sign-out-everywhere"
RETURN_TO = (SIGN_OUT_EVERYWHERE,)

SIGNED_OUT = Toast("signed-out", "You've signed out.")
SIGNED_OUT_EVERYWHERE = Toast("signed-out-everywhere", "You've signed out on every device.")
