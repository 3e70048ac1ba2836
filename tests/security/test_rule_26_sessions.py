"""Rule 26: a session is 256 random bits in one strict cookie; it ends when it should, and everywhere."""

import hashlib
import re
import sqlite3
import time
from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx2
import pytest

from ari.accounts import totp
from tests.support.owner import EMAIL, PASSWORD, csrf_of

HOME = "/settings?tab=api"
THIRTY_DAYS = 30 * 86_400


def cookies_of(answer: httpx2.Response) -> dict[str, "Morsel[str]"]:
    """The cookies that a response sets."""
    found: SimpleCookie = SimpleCookie()
    for line in answer.headers.get_list("set-cookie"):
        found.load(line)
    return dict(found)


def sign_in(client: httpx2.Client, headers: dict[str, str] | None = None) -> httpx2.Response:
    """Sign in through the form, carrying the visitor's cookie by hand (a jar keeps Secure cookies from http)."""
    page = client.get("/sign-in", headers=headers)
    jar = {name: morsel.value for name, morsel in cookies_of(page).items()}
    form = {"email": EMAIL, "password": PASSWORD, "csrf": csrf_of(page.text)}
    sent = {**(headers or {}), "Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
    answer = client.post("/sign-in", data=form, headers=sent if jar else headers)
    assert answer.status_code == 303, answer.text[:2000]
    return answer


def browser(owner: Any) -> httpx2.Client:
    """A client that sends what a browser sends, without a session."""
    client: httpx2.Client = owner.api(headers={"Origin": owner.url, "Sec-Fetch-Site": "same-origin"})
    return client


def session_cookie(owner: Any, client: httpx2.Client) -> str:
    """The token in the client's session cookie."""
    token = client.cookies.get(f"ari_{owner.server.port}")
    assert token
    return token


def post(client: httpx2.Client, path: str) -> httpx2.Response:
    """Send a form without fields, with its proof."""
    return client.post(path, data={"csrf": csrf_of(client.get(HOME).text)})


def test_the_cookie_under_http(owner: Any) -> None:
    """Plain http: named after the port, 256 bits, unreadable for scripts, not sent across sites, thirty days."""
    cookie = cookies_of(sign_in(browser(owner)))[f"ari_{owner.server.port}"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", cookie.value)
    assert cookie["httponly"]
    assert not cookie["secure"]
    assert (cookie["samesite"].lower(), cookie["path"], cookie["domain"]) == ("lax", "/", "")
    assert int(cookie["max-age"]) == THIRTY_DAYS


def test_the_cookie_under_https(make_owner: Any) -> None:
    """https: every cookie of the sign-in has the __Host- prefix and Secure, and no domain."""
    owner = make_owner(settings={"ARI_PUBLIC_URL": "https://ari.example.net"})
    headers = {"Host": "ari.example.net", "Origin": "https://ari.example.net", "Sec-Fetch-Site": "same-origin"}
    cookies = cookies_of(sign_in(owner.api(), headers))
    assert "__Host-ari" in cookies
    for name, cookie in cookies.items():
        assert name.startswith("__Host-")
        assert cookie["secure"]
        assert cookie["httponly"]
        assert (cookie["samesite"].lower(), cookie["path"], cookie["domain"]) == ("lax", "/", "")


def test_only_the_digest_is_stored(owner: Any) -> None:
    """No file of the instance holds a session's or a device's token; the tables hold their SHA-256."""
    client = owner.session()
    tokens = [value for name, value in client.cookies.items() if "visitor" not in name]
    assert len(tokens) == 2
    owner.server.stop()
    for path in owner.server.data_dir.rglob("*"):
        for token in tokens:
            assert not path.is_file() or token.encode() not in path.read_bytes(), path
    with sqlite3.connect(owner.server.data_dir / "ari.db") as database:
        stored = {
            row[0] for table in ("sessions", "devices") for row in database.execute(f"SELECT digest FROM {table}")
        }
    known_address = hashlib.sha256(b"address 127.0.0.1").digest()
    assert stored == {known_address, *(hashlib.sha256(token.encode()).digest() for token in tokens)}


def test_two_session_cookies_count_as_none(owner: Any) -> None:
    """A cookie sent twice, in one header or in two, proves nothing, even if both are good."""
    token = session_cookie(owner, owner.session())
    name = f"ari_{owner.server.port}"
    one = f"{name}={token}"
    stranger = owner.api()
    assert stranger.get(HOME, headers={"Cookie": one}).status_code == 200
    for cookies in ([f"{one}; {one}"], [f"{one}; {name}=x"], [f"{name}=x; {one}"], [one, one]):
        answer = stranger.get(HOME, headers=[("Cookie", line) for line in cookies])
        assert answer.status_code in (303, 400), cookies


def test_other_values_are_no_session(owner: Any) -> None:
    """Whatever the cookie holds, a visitor is sent to the sign-in page and nothing fails."""
    for value in ("", "x", "x" * 43, "x" * 5_000, '"', "é", "a%00b"):
        cookie = f"ari_{owner.server.port}={value}".encode()
        answer = owner.api().get(HOME, headers=[(b"Cookie", cookie)])
        assert answer.status_code in (303, 400), value


def test_signing_in_makes_a_new_session(owner: Any) -> None:
    """Each sign-in has another token; a token that was chosen beforehand never becomes a session."""
    client = browser(owner)
    chosen = "A" * 43
    client.cookies.set(f"ari_{owner.server.port}", chosen, domain="127.0.0.1", path="/")
    csrf = csrf_of(client.get("/sign-in").text)
    answer = client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD, "csrf": csrf})
    assert answer.status_code == 303
    assert cookies_of(answer)[f"ari_{owner.server.port}"].value != chosen
    stranger = owner.api(headers={"Cookie": f"ari_{owner.server.port}={chosen}"})
    assert stranger.get(HOME).status_code == 303


def test_a_session_lives_thirty_days(owner: Any) -> None:
    """After thirty days the browser is sent to the sign-in page."""
    client = owner.session()
    owner.server.clock.advance(THIRTY_DAYS - 60)
    assert client.get(HOME).status_code == 200
    owner.server.clock.advance(61)
    assert client.get(HOME).status_code == 303


def test_a_reset_ends_all_sessions(owner_on: Any) -> None:
    """Another password, set at the command line, ends every session at once; only the new one signs in."""
    clients = [owner_on.session(), owner_on.session()]
    owner_on.cli("account", "reset-password", stdin="other quiet herons 77\n", check=True)
    assert [client.get(HOME).status_code for client in clients] == [303, 303]
    with pytest.raises(AssertionError):
        owner_on.session()
    owner_on.password = "other quiet herons 77"
    assert owner_on.session().get(HOME).status_code == 200


def test_signing_out_ends_this_session(owner: Any) -> None:
    """Signing out ends this session on the server, clears what the browser kept, and leaves the others."""
    mine, other = owner.session(), owner.session()
    token = session_cookie(owner, mine)
    answer = post(mine, "/sign-out")
    assert answer.status_code == 303
    kinds = {kind.strip() for kind in answer.headers["clear-site-data"].split(",")}
    assert kinds == {'"cache"', '"storage"'}
    assert cookies_of(answer)[f"ari_{owner.server.port}"].value == ""
    again = owner.api(headers={"Cookie": f"ari_{owner.server.port}={token}"})
    assert again.get(HOME).status_code == 303
    assert other.get(HOME).status_code == 200


def test_signing_out_everywhere_ends_them_all(owner: Any) -> None:
    """Signing out everywhere ends the other browsers' sessions too."""
    mine, other = owner.session(), owner.session()
    answer = post(mine, "/sign-out-everywhere")
    assert answer.status_code == 303
    assert "clear-site-data" in answer.headers
    assert [client.get(HOME).status_code for client in (mine, other)] == [303, 303]


def test_a_get_signs_nobody_out(owner: Any) -> None:
    """Reading the addresses that sign out changes nothing."""
    client = owner.session()
    client.get("/sign-out")
    client.get("/sign-out-everywhere")
    assert client.get(HOME).status_code == 200


def test_changes_of_the_password_or_two_factor_end_the_others(owner: Any) -> None:
    """Anyone who makes the change stays in; every other session is out at once. One can be ended on its own, too."""
    mine, other = owner.session(), owner.session()
    _change_password(owner, mine)
    assert [client.get(HOME).status_code for client in (mine, other)] == [200, 303]
    other = owner.session()
    page = mine.get("/settings/security").text
    [place] = re.findall(r'action="(/settings/security/sessions/ses_[0-9A-F]{26}/end)"', page)
    assert mine.post(place, data={"csrf": csrf_of(page)}).status_code == 303
    assert [client.get(HOME).status_code for client in (mine, other)] == [200, 303]
    other = owner.session()
    _turn_two_factor_on(owner, mine)
    assert [client.get(HOME).status_code for client in (mine, other)] == [200, 303]


def _turn_two_factor_on(owner: Any, client: httpx2.Client) -> None:
    page = client.get("/settings/security/two-factor").text
    found = re.search(r'name="secret" value="([A-Z2-7]{32})"', page)
    assert found
    secret = totp.secret_bytes(found[1])
    assert secret
    form = {"secret": found[1], "code": totp.code_at(secret, totp.step_at(time.time_ns() // 1_000_000))}
    answer = client.post("/settings/security/two-factor", data={**form, "csrf": csrf_of(page)})
    assert answer.status_code == 201


def _change_password(owner: Any, client: httpx2.Client) -> None:
    form = {"current": owner.password, "new": "nine loud starlings 77", "csrf": csrf_of(client.get(HOME).text)}
    assert client.post("/settings/security/password", data=form).status_code == 303
    owner.password = "nine loud starlings 77"
