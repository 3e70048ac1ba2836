"""Rule 29: what is sensitive asks for the password again; a second step that cannot be skipped, replayed or guessed."""

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from ari.accounts import totp
from ari.base.clock import DAY_MS, from_rfc3339, to_rfc3339
from tests.support.owner import Owner, csrf_of, start_owner
from tests.support.server import ServerProcess

QUARTER = 15 * 60
SECURITY = "/settings/security"
PATCHED = {"scopes": ["keys:read"]}, {"expires_at": None}, {"expires_at": "2099-01-01T00:00:00Z"}
ENABLED = {"disabled": False}


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """One owner for the tests of confirming; each begins when attempts of before no longer count."""
    folder = tmp_path_factory.mktemp("shared") / "data"
    folder.mkdir(mode=0o700)
    found = start_owner(ServerProcess(folder))
    yield found
    found.close()
    found.server.kill()


@pytest.fixture
def late(owner: Any) -> httpx2.Client:
    """A session whose password was given more than 15 minutes ago, with the proof for calls of the API."""
    owner.server.clock.advance(QUARTER)
    session: httpx2.Client = owner.session()
    session.headers["x-csrf-token"] = csrf_of(session.get("/settings?tab=api").text)
    owner.server.clock.advance(QUARTER)
    return session


def test_the_api_refuses_and_says_why(owner: Any, late: httpx2.Client) -> None:
    """403 with a code of its own for creating and widening a key; narrowing, renaming and keys go on as ever."""
    key, secret = owner.create_key("k", expires="30d", scopes=["api:read", "keys:write"])
    place = f"/api/keys/{key['id']}"
    for answer in (late.post("/api/keys", json={"name": "n"}), *(late.patch(place, json=one) for one in PATCHED)):
        assert (answer.status_code, answer.json()["code"]) == (403, "confirmation_required")
        assert answer.json()["type"].endswith("/errors/confirmation_required")
    for change in ({"name": "m"}, ENABLED, {"disabled": True}, {"scopes": ["keys:write"]}):
        assert late.patch(place, json=change).status_code == 200
    for widening in (ENABLED, {"name": "o", **ENABLED}):
        assert late.patch(place, json=widening).json()["code"] == "confirmation_required"
    assert "Confirm it's you" in late.post(f"/settings/keys/{key['id']}/enable").text
    assert owner.cli.json("keys", "show", key["id"])["disabled"] is True
    assert owner.cli("keys", "enable", key["id"]).returncode == 0
    sooner = to_rfc3339(from_rfc3339(key["expires_at"]) - DAY_MS)
    assert late.patch(place, json={"expires_at": sooner}).status_code == 200
    assert owner.api(secret).post("/api/keys", json={"name": "n", "expires": "1h"}).status_code in (201, 403)
    page = late.get("/confirm?next=/settings/keys/new")
    assert "Confirm it's you" in page.text
    late.post("/confirm", data={"confirm_password": owner.password, "next": "/settings/keys/new"})
    assert late.post("/api/keys", json={"name": "n"}).status_code == 201


def test_a_page_asks_and_goes_on(owner: Any, late: httpx2.Client) -> None:
    """The form's fields come back with the question; a wrong password does nothing; a right one does what was asked."""
    form = late.get("/settings/keys/new").text
    found = re.search(r'name="form" value="([^"]+)"', form)
    assert found
    fields = {"name": 'a "quoted" <name>', "expires": "7d", "access": "standard", "form": found[1]}
    asked = late.post("/settings/keys/new", data=fields)
    assert asked.status_code == 403
    assert "a &#34;quoted&#34; &lt;name&gt;" in asked.text
    wrong = late.post("/settings/keys/new", data={**fields, "confirm_password": "wrong"})
    assert (wrong.status_code, "Incorrect password." in wrong.text) == (422, True)
    assert "key_created" not in [event["name"] for event in owner.cli.json("events")["items"][:2]]
    made = late.post("/settings/keys/new", data={**fields, "confirm_password": owner.password})
    assert made.status_code == 201
    assert owner.password not in made.text
    events = owner.cli.json("events")["items"]
    assert events[0]["detail"]["name"] == fields["name"]
    names = [event["name"] for event in events]
    assert names[:3] == ["key_created", "identity_confirmed", "confirmation_refused"]


def test_every_sensitive_page_asks(owner: Any, late: httpx2.Client) -> None:
    """Setting up two-factor, new codes, provider keys and base URLs; password and turning off ask for it themselves."""
    integrations = [f"/settings/integrations/openai/{verb}" for verb in ("key", "address", "remove")]
    for path in (f"{SECURITY}/two-factor", f"{SECURITY}/backup-codes", *integrations):
        assert "Confirm it's you" in late.get(path).text
        assert "Confirm it's you" in late.post(path).text
    answer = late.post(f"{SECURITY}/password", data={"current": "wrong", "new": "nine loud starlings 77"})
    assert answer.status_code == 422
    assert late.post(f"{SECURITY}/two-factor/off", data={"password": "wrong", "code": "1"}).status_code == 422
    assert owner.session()


def test_guesses_are_limited(owner: Any, late: httpx2.Client) -> None:
    """Anyone who took over a session has five guesses in five minutes, at whatever form."""
    answers = [late.post("/confirm", data={"confirm_password": f"wrong {n}"}).status_code for n in range(4)]
    answers.append(late.post(f"{SECURITY}/password", data={"current": "wrong", "new": "x"}).status_code)
    last = late.post("/settings/keys/new", data={"name": "n", "confirm_password": owner.password})
    assert (answers, last.status_code) == ([422] * 5, 429)
    assert int(last.headers["retry-after"]) > 0


def test_a_clock_set_back_confirms_nobody(owner: Any) -> None:
    """A password given in the future was not given of late."""
    owner.server.clock.advance(QUARTER)
    session = owner.session()
    owner.server.clock.advance(-3600)
    csrf = csrf_of(session.get("/settings?tab=api").text)
    answer = session.post("/api/keys", json={"name": "n"}, headers={"x-csrf-token": csrf})
    owner.server.clock.advance(3600)
    assert answer.json()["code"] == "confirmation_required"


class Phone:
    """The owner of an instance with two-factor, and the app that makes the codes."""

    def __init__(self, owner: Owner) -> None:
        self.owner = owner
        self.session = owner.session()
        page = self.session.get(f"{SECURITY}/two-factor").text
        found = re.search(r'name="secret" value="([A-Z2-7]{32})"', page)
        assert found
        self.secret = found[1]
        form = {"secret": self.secret, "code": self.code(), "csrf": csrf_of(page)}
        answer = self.session.post(f"{SECURITY}/two-factor", data=form)
        assert answer.status_code == 201, answer.text[:2000]
        self.codes = re.findall(r"^(?:<pre[^>]*>)?((?:[0-9a-z]{4}-){3}[0-9a-z]{4})$", answer.text, re.MULTILINE)
        assert len(self.codes) == 10

    def code(self, later: int = 0) -> str:
        now_ms = time.time_ns() // 1_000_000 + self.owner.server.clock.offset_ms
        secret = totp.secret_bytes(self.secret)
        assert secret
        return totp.code_at(secret, totp.step_at(now_ms) + later)

    def half(self) -> httpx2.Client:
        """A browser that has given the password and no code."""
        client = self.owner.api(headers={"Origin": self.owner.url, "Sec-Fetch-Site": "same-origin"})
        form = {"email": self.owner.email, "password": self.owner.password}
        answer = client.post("/sign-in", data={**form, "csrf": csrf_of(client.get("/sign-in").text)})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in/code")
        return client

    def enter(self, client: httpx2.Client, code: str) -> int:
        """Send a code; the response's status."""
        form = {"code": code, "csrf": csrf_of(client.get("/sign-in").text)}
        return client.post("/sign-in/code", data=form).status_code


def test_half_a_sign_in_opens_only_the_code_form(owner_on: Any) -> None:
    """Neither page nor API; five minutes; a code of the app once, a backup code once. On each database."""
    phone = Phone(owner_on)
    client = phone.half()
    for path in ("/settings?tab=api", SECURITY, "/confirm"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["location"].startswith("/sign-in?")) == (303, True), path
    assert client.get("/api/me").status_code == 401
    assert client.get("/sign-in/code").status_code == 200
    assert phone.enter(client, "000000") == 422
    code = phone.code(later=1)
    assert phone.enter(client, code) == 303
    assert client.get("/api/me").status_code == 200
    assert phone.enter(phone.half(), code) == 422
    assert phone.enter(phone.half(), phone.codes[0]) == 303
    assert phone.enter(phone.half(), phone.codes[0]) == 422
    late = phone.half()
    phone.owner.server.clock.advance(5 * 60)
    answer = late.get("/sign-in/code")
    assert (answer.status_code, answer.headers["location"].startswith("/sign-in?")) == (303, True)
    form = {"code": phone.codes[1], "csrf": csrf_of(late.get("/sign-in").text)}
    assert late.post("/sign-in/code", data=form).headers["location"].startswith("/sign-in?")
    assert late.get("/api/me").status_code == 401


def test_codes_are_encrypted_guessed_slowly_and_survive_a_reset(owner: Any) -> None:
    """One owner for all of it, since each step needs what the one before left."""
    owner.server.clock.advance(QUARTER)
    phone = Phone(owner)
    _secrets_are_nowhere_in_the_clear(phone)
    _codes_are_guessed_no_faster_than_passwords(phone)
    _a_reset_leaves_it_on(phone)


def _secrets_are_nowhere_in_the_clear(phone: Phone) -> None:
    owner = phone.owner
    kept = str(owner.cli.json("events")) + owner.server.log_text()
    for path in owner.server.data_dir.rglob("*"):
        kept += path.read_bytes().decode("latin-1") if path.is_file() else ""
    raw = (totp.secret_bytes(phone.secret) or b"").decode("latin-1")
    for secret in (phone.secret, raw, *phone.codes, phone.codes[0].replace("-", "")):
        assert secret not in kept


def _codes_are_guessed_no_faster_than_passwords(phone: Phone) -> None:
    client = phone.half()
    statuses = [phone.enter(client, f"{number:06}") for number in range(5)]
    assert (statuses, phone.enter(client, phone.code(later=1))) == ([422] * 5, 429)
    phone.owner.server.clock.advance(5 * 60)
    assert phone.enter(phone.half(), phone.codes[2]) == 303


def _a_reset_leaves_it_on(phone: Phone) -> None:
    client = phone.half()
    phone.owner.cli("account", "reset-password", stdin="other quiet herons 77\n", check=True)
    phone.owner.password = "other quiet herons 77"
    form = {"code": phone.codes[0], "csrf": csrf_of(client.get("/sign-in").text)}
    assert client.post("/sign-in/code", data=form).headers["location"].startswith("/sign-in?")
    assert phone.enter(phone.half(), phone.codes[0]) == 303
    phone.owner.cli("account", "disable-two-factor", "--yes", check=True)
    assert phone.session.get("/settings?tab=api").status_code == 303
    assert phone.owner.session().get("/api/me").status_code == 200
