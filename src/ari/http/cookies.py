"""The names and attributes of ARI's cookies (security.md 26)."""

from typing import NamedTuple

from ari.accounts.model import SESSION_DAYS
from ari.accounts.sign_in import DEVICE_DAYS, HALF_MINUTES
from ari.base.settings import Settings

_DAY_SECONDS = 24 * 3600
SESSION_SECONDS = SESSION_DAYS * _DAY_SECONDS
DEVICE_SECONDS = DEVICE_DAYS * _DAY_SECONDS
HALF_SECONDS = HALF_MINUTES * 60
LINK_SECONDS = 10 * 60
THEMES = ("light", "dark", "system")
THEME_COOKIE = "ari_theme"
SHORTCUTS_COOKIE = "ari_shortcuts"


class Preferences(NamedTuple):
    """How this browser wants the pages; kept in cookies that scripts may read and set."""

    theme: str = "system"
    shortcuts: str = "on"


def preferences(headers: list[str]) -> Preferences:
    """The values of ARI's cookies; an invalid value counts as missing."""
    theme, shortcuts = read_cookie(headers, THEME_COOKIE), read_cookie(headers, SHORTCUTS_COOKIE)
    return Preferences(theme if theme in THEMES else "system", "off" if shortcuts == "off" else "on")


def session_cookie_name(settings: Settings) -> str:
    """``__Host-`` binds the cookie to the host under https; elsewhere the port keeps instances on one host apart."""
    return _name(settings, "ari")


def visitor_cookie_name(settings: Settings) -> str:
    """The cookie that a visitor's CSRF token is derived from before sign-in."""
    return _name(settings, "ari-visitor")


def device_cookie_name(settings: Settings) -> str:
    """The cookie of a browser that has signed in before and so has its own sign-in count."""
    return _name(settings, "ari-device")


def half_cookie_name(settings: Settings) -> str:
    """The cookie of a browser whose password was right and whose code is still to come."""
    return _name(settings, "ari-half")


def link_cookie_name(settings: Settings) -> str:
    """The cookie with the token of a setup or email link whose form had other problems."""
    return _name(settings, "ari-link")


def set_cookie(settings: Settings, name: str, value: str, max_age_seconds: int | None) -> str:
    """A Set-Cookie value; ``None`` = until the browser closes, 0 = forget it."""
    parts = [f"{name}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if max_age_seconds is not None:
        parts.append(f"Max-Age={max_age_seconds}")
    if settings.secure:
        parts.append("Secure")
    return "; ".join(parts)


def read_cookie(headers: list[str], name: str) -> str | None:
    """The cookie's value; a cookie sent twice with different or equal values does not count."""
    values = []
    for header in headers:
        for part in header.split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                values.append(value)
    return values[0] if len(values) == 1 else None


def _name(settings: Settings, stem: str) -> str:
    return f"__Host-{stem}" if settings.secure else f"{stem.replace('-', '_')}_{settings.port}"
