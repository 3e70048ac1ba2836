"""Set and delete the cookies of a sign-in on a response."""

from starlette.responses import Response

from ari.base.settings import Settings
from ari.http.cookies import (
    DEVICE_SECONDS,
    HALF_SECONDS,
    LINK_SECONDS,
    SESSION_SECONDS,
    device_cookie_name,
    half_cookie_name,
    link_cookie_name,
    session_cookie_name,
    set_cookie,
)


def keep_session(response: Response, settings: Settings, token: str, device_token: str | None = None) -> None:
    """Sign the browser in. ``device_token`` gives it its own count of sign-in attempts."""
    _add(response, set_cookie(settings, session_cookie_name(settings), token, SESSION_SECONDS))
    if device_token is not None:
        keep_device(response, settings, device_token)


def keep_device(response: Response, settings: Settings, token: str) -> None:
    """Give this browser its own count of sign-in attempts."""
    _add(response, set_cookie(settings, device_cookie_name(settings), token, DEVICE_SECONDS))


def keep_half(response: Response, settings: Settings, token: str | None) -> None:
    """Remember that the password was correct until the code is entered; ``None`` forgets it."""
    seconds = HALF_SECONDS if token else 0
    _add(response, set_cookie(settings, half_cookie_name(settings), token or "", seconds))


def keep_link(response: Response, settings: Settings, token: str | None) -> None:
    """Keep the token of a link for the next try, since no page shows it again; ``None`` forgets it."""
    seconds = LINK_SECONDS if token else 0
    _add(response, set_cookie(settings, link_cookie_name(settings), token or "", seconds))


def forget_session(response: Response, settings: Settings) -> None:
    """Sign the browser out and clear what it cached of the pages (security.md 26)."""
    _add(response, set_cookie(settings, session_cookie_name(settings), "", 0))
    response.headers["clear-site-data"] = '"cache", "storage"'


def _add(response: Response, cookie: str) -> None:
    response.headers.append("set-cookie", cookie)
