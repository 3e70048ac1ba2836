"""The names and attributes of cookies (security.md 26)."""

import pytest

from ari.base.settings import Settings
from ari.http.cookies import (
    Preferences,
    device_cookie_name,
    half_cookie_name,
    preferences,
    read_cookie,
    session_cookie_name,
    set_cookie,
    visitor_cookie_name,
)

NAMES = (session_cookie_name, visitor_cookie_name, device_cookie_name, half_cookie_name)


def _settings(public_url: str | None = None, port: int = 3000) -> Settings:
    return Settings(public_url=public_url, port=port)


def test_under_https_cookies_belong_to_the_host() -> None:
    """``__Host-`` keeps a sibling domain from planting a cookie; browsers want Secure and Path=/ with it."""
    https = _settings("https://ari.example.net")
    names = [name(https) for name in NAMES]
    assert all(name.startswith("__Host-ari") for name in names)
    assert len(set(names)) == 4
    parts = set_cookie(https, names[0], "v", 60).split("; ")
    assert parts[0] == f"{names[0]}=v"
    assert {"Path=/", "HttpOnly", "SameSite=Lax", "Secure", "Max-Age=60"} == set(parts[1:])


def test_two_instances_on_one_host_keep_their_sessions_apart() -> None:
    """Browsers send cookies to every port of a host."""
    one, other = _settings(port=3000), _settings(port=3001)
    assert not {name(one) for name in NAMES} & {name(other) for name in NAMES}
    assert "Secure" not in set_cookie(one, "a", "v", None)


def test_a_cookie_without_an_age_ends_with_the_browser() -> None:
    """And an age of 0 removes it at once."""
    assert "Max-Age" not in set_cookie(_settings(), "a", "v", None)
    assert "Max-Age=0" in set_cookie(_settings(), "a", "", 0)


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        (["a=1"], "1"),
        (["b=2; a=1"], "1"),
        (["b=2", " a=x=y "], "x=y"),
        (["a=1; a=2"], None),
        (["a=1", "a=1"], None),
        (["aa=1; A=2"], None),
        ([], None),
    ],
)
def test_a_cookie_that_is_sent_twice_does_not_count(headers: list[str], value: str | None) -> None:
    """A sibling domain can add a second one, and which comes first is not for us to guess."""
    assert read_cookie(headers, "a") == value


def test_preferences_take_only_what_is_known() -> None:
    """They are written by scripts, so a page must never repeat another value."""
    assert preferences(["ari_theme=dark; ari_shortcuts=off"]) == Preferences("dark", "off")
    assert preferences(["ari_theme=<script>; ari_shortcuts=maybe"]) == Preferences("system", "on")
