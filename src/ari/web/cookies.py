"""Putting the cookies of a sign-in into an answer, and taking them out again."""

from starlette.responses import Response

from ari.base.settings import Settings
from ari.http.cookies import DEVICE_SECONDS, SESSION_SECONDS, device_cookie_name, session_cookie_name, set_cookie


def keep_session(answer: Response, settings: Settings, token: str, device_token: str | None = None) -> None:
    """Sign the browser in; ``device_token`` lets it have its own sign-in count."""
    _add(answer, set_cookie(settings, session_cookie_name(settings), token, SESSION_SECONDS))
    if device_token is not None:
        _add(answer, set_cookie(settings, device_cookie_name(settings), device_token, DEVICE_SECONDS))


def forget_session(answer: Response, settings: Settings) -> None:
    """Sign the browser out, and let it forget what it kept of the pages (security.md 26)."""
    _add(answer, set_cookie(settings, session_cookie_name(settings), "", 0))
    answer.headers["clear-site-data"] = '"cache", "storage"'


def _add(answer: Response, cookie: str) -> None:
    answer.headers.append("set-cookie", cookie)
