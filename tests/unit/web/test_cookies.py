"""The cookies of a sign-in (security.md 26)."""

from pathlib import Path

import pytest
from starlette.responses import Response

from ari.http.cookies import read_cookie
from ari.web.cookies import forget_session, keep_half, keep_link, keep_session
from tests.support.instances import settings_for


def cookies_of(response: Response) -> dict[str, str]:
    """The attributes of each cookie that the response sets, by the cookie's name and value."""
    sent = (value.partition("; ") for value in response.headers.getlist("set-cookie"))
    return {pair: attributes for pair, _, attributes in sent}


def test_over_https_a_session_is_bound_to_the_host(tmp_path: Path) -> None:
    """``__Host-`` needs Secure and Path=/; scripts can't read it and other sites can't send it."""
    response = Response()
    keep_session(response, settings_for(tmp_path, None, public_url="https://ari.example"), "token", "device")
    found = cookies_of(response)
    assert list(found) == ["__Host-ari=token", "__Host-ari-device=device"]
    for attributes in found.values():
        assert attributes.startswith("Path=/; HttpOnly; SameSite=Lax; Max-Age=")
        assert attributes.endswith("Secure")


def test_over_http_instances_on_one_host_are_kept_apart(tmp_path: Path) -> None:
    """Browsers ignore the port of a cookie, so its name has the port; without https it can't be Secure."""
    response = Response()
    keep_session(response, settings_for(tmp_path, None, port=4567), "token")
    ((pair, attributes),) = cookies_of(response).items()
    assert pair == "ari_4567=token"
    assert "Secure" not in attributes


def test_signing_out_clears_the_cookie_and_what_was_cached(tmp_path: Path) -> None:
    """The back button shows no page of the session that ended."""
    response = Response()
    forget_session(response, settings_for(tmp_path, None))
    ((pair, attributes),) = cookies_of(response).items()
    assert (pair, "Max-Age=0" in attributes) == ("ari_3000=", True)
    assert response.headers["clear-site-data"] == '"cache", "storage"'


@pytest.mark.parametrize(("token", "seconds"), [("half", 300), (None, 0)])
def test_the_wait_for_a_code_ends_after_five_minutes(tmp_path: Path, token: str | None, seconds: int) -> None:
    """The browser forgets the first step with the server, or when it is over."""
    response = Response()
    keep_half(response, settings_for(tmp_path, None), token)
    ((pair, attributes),) = cookies_of(response).items()
    assert read_cookie([pair], "ari_half_3000") == (token or "")
    assert f"Max-Age={seconds}" in attributes.split("; ")


@pytest.mark.parametrize(("token", "seconds"), [("link", 600), (None, 0)])
def test_the_token_of_a_link_is_kept_for_ten_minutes(tmp_path: Path, token: str | None, seconds: int) -> None:
    """Out of the reach of scripts, as in no page."""
    response = Response()
    keep_link(response, settings_for(tmp_path, None), token)
    ((pair, attributes),) = cookies_of(response).items()
    assert read_cookie([pair], "ari_link_3000") == (token or "")
    assert {"HttpOnly", f"Max-Age={seconds}"} <= set(attributes.split("; "))
