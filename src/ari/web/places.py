"""The addresses of the pages, and which of them a form may send the browser to (security.md 28)."""

import re
from urllib.parse import quote, urlsplit

HOME = "/settings?tab=api"
SIGN_IN = "/sign-in"
NEW_KEY = "/settings/keys/new"
SECURITY = "/settings/security"
TWO_FACTOR = f"{SECURITY}/two-factor"
BACKUP_CODES = f"{SECURITY}/backup-codes"
CODE = "/sign-in/code"
CONFIRM = "/confirm"

_ID = "key_[0-9A-HJKMNP-TV-Z]{26}"
_KNOWN = re.compile(
    rf"/settings(?:\?tab=api(?:&show=(?:all|active|inactive))?(?:&before={_ID})?)?"
    rf"|{NEW_KEY}"
    rf"|/settings/keys/{_ID}(?:/(?:rename|revoke|delete))?"
    rf"|{SECURITY}(?:/(?:password|two-factor|two-factor/off|backup-codes))?"
    r"|/sign-out-everywhere"
)


def known_place(text: str | None) -> str:
    """``text`` if it is the address of a page of ours, else the settings."""
    return text if text is not None and _KNOWN.fullmatch(text) else HOME


def key_place(key_id: str) -> str:
    """The page of one key."""
    return f"/settings/keys/{key_id}"


def sign_in_place(wanted: str) -> str:
    """The sign-in that then leads to a page of ours."""
    return f"{SIGN_IN}?next={quote(wanted, safe='')}"


def code_place(wanted: str, *, backup: bool = False) -> str:
    """The form for the second step of a sign-in that then leads to a page of ours."""
    return f"{CODE}?next={quote(wanted, safe='')}" + ("&with=backup" if backup else "")


def session_place(session_id: str) -> str:
    """What ends another session."""
    return f"{SECURITY}/sessions/{session_id}/end"


def keys_place(show: str, before: str | None = None) -> str:
    """The table of keys, filtered, from a key downwards."""
    narrowed = "" if show == "all" else f"&show={show}"
    return HOME + narrowed + (f"&before={before}" if before else "")


def came_from(current_url: str | None) -> str | None:
    """The page that a dialog stands on, from htmx's header ``HX-Current-URL``; ``None`` if it is none of ours."""
    if current_url is None:
        return None
    parts = urlsplit(current_url)
    place = parts.path + (f"?{parts.query}" if parts.query else "")
    return place if _KNOWN.fullmatch(place) else None
