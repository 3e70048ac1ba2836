"""The addresses of the pages, and which of them a form may send the browser to (security.md 28)."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

HOME = "/settings?tab=api"
SIGN_IN = "/sign-in"
NEW_KEY = "/settings/keys/new"
USAGE = "/settings/usage"

_ID = "key_[0-9A-HJKMNP-TV-Z]{26}"
_SPAN = r"(?:\?range=(?:24h|7d|30d|90d)(?:&per=(?:hour|day|week))?)?"
_KNOWN = re.compile(
    rf"/settings(?:\?tab=api(?:&show=(?:all|active|inactive))?(?:&before={_ID})?)?"
    rf"|{NEW_KEY}"
    rf"|/settings/keys/{_ID}(?:/(?:rename|revoke|delete)|{_SPAN})"
    rf"|{USAGE}{_SPAN}"
    r"|/sign-out-everywhere"
)


def known_place(text: str | None) -> str:
    """``text`` if it is the address of a page of ours, else the settings."""
    return text if text is not None and _KNOWN.fullmatch(text) else HOME


def key_place(key_id: str) -> str:
    """The page of one key."""
    return f"/settings/keys/{key_id}"


def key_side(key_id: str) -> str:
    """The part of a key's page that tells of the key itself."""
    return f"{key_place(key_id)}?part=side"


def same(place: str) -> str:
    """An address that this side made itself; says so in a template."""
    return place


def with_query(place: str, values: Mapping[str, str]) -> str:
    """The place with those of these values that say something."""
    given = {name: value for name, value in values.items() if value}
    return f"{place}?{urlencode(given)}" if given else place


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
