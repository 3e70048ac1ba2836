"""Putting the cookies of a sign-in into an answer, and taking them out again."""

from starlette.responses import Response

from ari.base.settings import Settings
from ari.http.cookies import (
    DEVICE_SECONDS,
    HALF_SECONDS,
    SESSION_SECONDS,
    device_cookie_name,
    half_cookie_name,
    session_cookie_name,
    set_cookie,
)


def keep_session(answer: Response, settings: Settings, token: str, device_token: str | None = None) -> None:
    """Sign the browser in; ``device_token`` lets it have its own sign-in count."""
    _add(answer, set_cookie(settings, session_cookie_name(settings), token, SESSION_SECONDS))
    if device_token is not None:
        keep_device(answer, settings, device_token)


def keep_device(answer: Response, settings: Settings, token: str) -> None:
    """Let this browser have its own sign-in count."""
    _add(answer, set_cookie(settings, device_cookie_name(settings), token, DEVICE_SECONDS))


def keep_half(answer: Response, settings: Settings, token: str | None) -> None:
    """Remember that the password was right until the code is given; ``None`` forgets it."""
    seconds = HALF_SECONDS if token else 0
    _add(answer, set_cookie(settings, half_cookie_name(settings), token or "", seconds))


def forget_session(answer: Response, settings: Settings) -> None:
    """Sign the browser out, and let it forget what it kept of the pages (security.md 26)."""
    _add(answer, set_cookie(settings, session_cookie_name(settings), "", 0))
    answer.headers["clear-site-data"] = '"cache", "storage"'


def _add(answer: Response, cookie: str) -> None:
    answer.headers.append("set-cookie", cookie)
