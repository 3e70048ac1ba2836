"""The addresses of the pages, and which of them a form may send the browser to (security.md 28)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode, urlsplit

from ari.keys.listing import SHOWN, Cursor, Show
from ari.usage.reports.listing import DESCENDING_FIRST, LONGEST_TEXT, NEWEST_FIRST, Sort, SortBy

HOME = "/settings?tab=api"
SIGN_IN = "/sign-in"
NEW_KEY = "/settings/keys/new"
SECURITY = "/settings/security"
TWO_FACTOR = f"{SECURITY}/two-factor"
BACKUP_CODES = f"{SECURITY}/backup-codes"
CODE = "/sign-in/code"
CONFIRM = "/confirm"
NAME_ADVICE = "/settings/keys/new/name"
MANY_KEYS = "/settings/keys/many"
DISMISS = "/settings/advice/dismiss"
SHORTCUTS = "/shortcuts"
API_DOCS = "/api-docs"
USAGE = "/settings/usage"
INTEGRATIONS = "/settings/integrations"
NOTIFICATIONS = "/settings/notifications"
ADDRESS = f"{SECURITY}/address"
FORGOT = "/forgot-password"
RESET = "/reset-password"
CONFIRM_ADDRESS = "/confirm-address"

_ID = "key_[0-9A-HJKMNP-TV-Z]{26}"
_SPAN = r"(?:\?range=(?:24h|7d|30d|90d)(?:&per=(?:hour|day|week))?)?"
_KNOWN = re.compile(
    rf"/settings(?:\?tab=api(?:&(?:q|show|sort|after)=[0-9A-Za-z%+._~*-]{{0,{12 * LONGEST_TEXT}}}){{0,4}})?"
    rf"|{NEW_KEY}(?:\?like={_ID}|\?ai=[a-z_]{{1,30}})?"
    rf"|/settings/keys/{_ID}(?:/(?:rename|revoke|delete|access|expiry)|{_SPAN})"
    rf"|{USAGE}{_SPAN}"
    rf"|{INTEGRATIONS}(?:/[a-z_]{{1,30}}/(?:key|address|remove|use))?"
    rf"|{SECURITY}(?:/(?:password|address|two-factor|two-factor/off|backup-codes))?"
    rf"|{NOTIFICATIONS}"
    rf"|/sign-out-everywhere|{SHORTCUTS}|{API_DOCS}"
)
_AFTER = re.compile(rf"(\d{{0,16}})\.({_ID})")


@dataclass(frozen=True, slots=True)
class KeysView:
    """What the table of keys shows: what its search, its filter, its headers and its pager ask for."""

    text: str = ""
    show: Show = "all"
    sort: Sort = NEWEST_FIRST
    after: Cursor | None = None

    @property
    def narrowed(self) -> bool:
        """Whether keys may be hidden."""
        return bool(self.text) or self.show != "all"

    def sorted_by(self, by: SortBy) -> "KeysView":
        """The first page sorted by this; the other way round if it is so already."""
        descending = not self.sort.descending if self.sort.by == by else by in DESCENDING_FIRST
        return replace(self, sort=Sort(by, descending), after=None)

    def from_place(self, after: Cursor | None) -> "KeysView":
        """The same from another place on."""
        return replace(self, after=after)


EVERY_KEY = KeysView()


def view_of(text: str, show: str, sort: str, after: str) -> KeysView | None:
    """The view that an address asks for; an empty part is the usual one, ``None`` if there is no such view."""
    sorting = Sort.of(sort) if sort else NEWEST_FIRST
    shown = next((known for known in SHOWN if known == show), None) if show else "all"
    place = _AFTER.fullmatch(after) if after else None
    if sorting is None or shown is None or (after and place is None):
        return None
    clean = "".join(letter for letter in text if letter.isprintable()).strip()[:LONGEST_TEXT]
    return KeysView(clean, shown, sorting, place and Cursor(int(place[1]) if place[1] else None, place[2]))


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


def new_key_like(key_id: str) -> str:
    """The form that makes a key with the same rights."""
    return f"{NEW_KEY}?like={key_id}"


def new_key_for(provider: str) -> str:
    """The form that makes a key for one provider of the AI gateway."""
    return f"{NEW_KEY}?ai={provider}"


def integration_place(provider: str, verb: str) -> str:
    """What is done to one integration: ``key``, ``address``, ``remove``, ``use``, ``test``."""
    return f"{INTEGRATIONS}/{provider}/{verb}"


def integration_card(provider: str) -> str:
    """Where the page shows one provider."""
    return f"{INTEGRATIONS}#integration-{provider}"


def keys_place(view: KeysView) -> str:
    """The table of keys; what is usual is left out of the address."""
    parts = [HOME]
    if view.text:
        parts.append(f"q={quote(view.text, safe='')}")
    if view.show != "all":
        parts.append(f"show={view.show}")
    if view.sort != NEWEST_FIRST:
        parts.append(f"sort={view.sort}")
    if view.after is not None:
        parts.append(f"after={'' if view.after.value is None else view.after.value}.{view.after.key_id}")
    return "&".join(parts)


def all_shown_place(verb: str, view: KeysView) -> str:
    """The question about every key that the table shows with this search and filter."""
    return f"{MANY_KEYS}?do={verb}&pick=shown&q={quote(view.text, safe='')}&show={view.show}"


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


def came_from(current_url: str | None) -> str | None:
    """The page that a dialog stands on, from htmx's header ``HX-Current-URL``; ``None`` if it is none of ours."""
    if current_url is None:
        return None
    parts = urlsplit(current_url)
    place = parts.path + (f"?{parts.query}" if parts.query else "")
    return place if _KNOWN.fullmatch(place) else None
