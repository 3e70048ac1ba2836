"""URLs of the sign-in and its second step."""

from urllib.parse import quote

from ari.http.auth import session
from ari.web.navigation import Toast

SIGN_IN = session.SIGN_IN
CODE = f"{SIGN_IN}/code"
RETURN_TO = ()

CODE_LATE = Toast("code-late", "That took longer than five minutes. Sign in again.")


def sign_in(return_url: str) -> str:
    """The sign-in that leads to this page."""
    return f"{SIGN_IN}?next={quote(return_url, safe='')}"


def code(return_url: str, *, backup: bool = False) -> str:
    """The second step of a sign-in that leads to this page."""
    return f"{CODE}?next={quote(return_url, safe='')}" + ("&with=backup" if backup else "")
