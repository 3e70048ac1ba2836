"""The addresses of the pages, and which of them a form may send the browser to (security.md 28)."""

import re
from urllib.parse import urlsplit

HOME = "/settings?tab=api"
SIGN_IN = "/sign-in"
NEW_KEY = "/settings/keys/new"
API_DOCS = "/api-docs"

_ID = "key_[0-9A-HJKMNP-TV-Z]{26}"
_KNOWN = re.compile(
    rf"/settings(?:\?tab=api(?:&show=(?:all|active|inactive))?(?:&before={_ID})?)?"
    rf"|{NEW_KEY}"
    rf"|/settings/keys/{_ID}(?:/(?:rename|revoke|delete))?"
    rf"|/sign-out-everywhere|{API_DOCS}"
)


def known_place(text: str | None) -> str:
    """``text`` if it is the address of a page of ours, else the settings."""
    return text if text is not None and _KNOWN.fullmatch(text) else HOME


def key_place(key_id: str) -> str:
    """The page of one key."""
    return f"/settings/keys/{key_id}"


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


def operation_place(tag: str, operation_id: str) -> str:
    """An operation in the API docs."""
    return f"{API_DOCS}#tag/{tag.lower().replace(' ', '-')}/{operation_id}"
