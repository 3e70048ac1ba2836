"""security.md 40, 24-29: a link to set a password is emailed, secret, used once, and reveals no account."""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx2
import pytest

from tests.support.mailing import mailing_owner
from tests.support.owner import Owner, csrf_of
from tests.support.resend import StandIn, stand_in

NEW = "nine loud starlings 77"
LINK = re.compile(r"http://\S+/(reset-password|confirm-address)#token=(\S{43})")
HOUR = 3600


@pytest.fixture(scope="module")
def mail() -> Iterator[StandIn]:
    """The stand-in that takes this module's emails."""
    with stand_in() as made:
        yield made


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory, mail: StandIn) -> Iterator[Owner]:
    """The owner of an instance that emails; its tests change the password and the clock."""
    with mailing_owner(tmp_path_factory, mail) as found:
        yield found


@pytest.fixture(autouse=True)
def _an_hour_later(owner: Owner) -> None:
    """Each test may ask for three links."""
    owner.server.clock.advance(HOUR)


def visitor(owner: Owner) -> httpx2.Client:
    """A browser that is not signed in."""
    return owner.api(headers={"Origin": owner.url, "Sec-Fetch-Site": "same-origin"})


def send(client: httpx2.Client, page: str, **fields: str) -> httpx2.Response:
    """Fill in the form of a page."""
    return client.post(page, data={**fields, "csrf": csrf_of(client.get(page).text)})


def tokens(mail: StandIn, page: str) -> list[str]:
    """Those of the links that were emailed, oldest first."""
    found = [LINK.search(one.fields["text"]) for one in mail.taken]
    return [one[2] for one in found if one and one[1] == page]


def next_token(mail: StandIn, page: str, before: int) -> str:
    """That of the next email; the job that emails comes round every ten seconds."""
    ends = time.monotonic() + 60
    while len(tokens(mail, page)) <= before:
        assert time.monotonic() < ends, "no mail came"
        time.sleep(0.1)
    return tokens(mail, page)[before]


def database_holds(owner: Owner, text: str) -> bool:
    """Whether the text is anywhere in the files of the instance."""
    return any(text.encode() in file.read_bytes() for file in owner.server.data_dir.iterdir() if file.is_file())


def counts(owner: Owner) -> list[Any]:
    """How many rows there are of what a link changes."""
    with closing(sqlite3.connect(owner.server.data_dir / "ari.db")) as connection:
        tables = ("mail_links", "sessions", "events")
        return [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]


def test_a_forgotten_password_from_the_email_to_the_sign_in(owner: Owner, mail: StandIn) -> None:
    """All sessions end; two-factor is not touched; the token is in no file and no log; the link works once."""
    session, stranger = owner.session(), visitor(owner)
    before = len(tokens(mail, "reset-password"))
    answer = send(stranger, "/forgot-password", email=owner.email)
    assert answer.status_code == 200
    token = next_token(mail, "reset-password", before)
    assert not database_holds(owner, token)
    kept = counts(owner)
    opened = stranger.get("/reset-password", params={"unused": "x"})
    assert opened.status_code == 200
    assert opened.headers["referrer-policy"] == "same-origin"
    assert opened.headers["cache-control"] == "no-store"
    assert counts(owner) == kept
    weak = send(stranger, "/reset-password", token=token, password="password1234")
    assert weak.status_code == 422
    assert session.get("/settings/security").status_code == 200
    assert send(stranger, "/reset-password", token=token, password=NEW).headers["location"] == "/sign-in"
    assert session.get("/settings/security").status_code == 303
    again = send(stranger, "/reset-password", token=token, password=NEW)
    assert again.status_code == 422
    assert "This link is no longer valid" in again.text
    owner.password = NEW
    assert owner.session().get("/settings/security").status_code == 200
    assert not database_holds(owner, token)
    assert token not in owner.server.log_text()


def test_known_and_unknown_accounts_get_the_same_response(owner: Owner, mail: StandIn) -> None:
    """Status, headers and page, also after too many requests; only one mailbox gets an email."""
    before = len(mail.taken)
    answers = {}
    for email in (owner.email, "nobody@example.org"):
        client = visitor(owner)
        found = [send(client, "/forgot-password", email=email) for _ in range(4)]
        answers[email] = [(one.status_code, _without_what_differs(one, email)) for one in found]
    assert answers[owner.email] == answers["nobody@example.org"]
    assert [status for status, _ in answers[owner.email]] == [200, 200, 200, 429]
    next_token(mail, "reset-password", len([one for one in mail.taken[:before] if LINK.search(one.fields["text"])]))
    assert {one.fields["to"][0] for one in mail.taken[before:]} == {owner.email}


def _without_what_differs(answer: httpx2.Response, email: str) -> tuple[list[str], str]:
    page = re.sub(r'(nonce|value)="[^"]*"', "", answer.text.replace(email, "EMAIL"))
    return sorted(answer.headers), page


@pytest.mark.parametrize("page", ["/forgot-password", "/reset-password", "/confirm-address"])
def test_every_form_needs_its_proof(owner: Owner, page: str) -> None:
    """security.md 27: reset too; another origin, no proof, no origin."""
    client = visitor(owner)
    fields = {"email": owner.email, "token": "x" * 43, "password": NEW, "csrf": csrf_of(client.get(page).text)}
    assert client.post(page, data={**fields, "csrf": "x"}).status_code == 403
    assert client.post(page, data=fields, headers={"Origin": "https://evil.example"}).status_code == 403
    bare = owner.api(cookies=dict(client.cookies))
    assert bare.post(page, data=fields).status_code == 403


def test_a_changed_address_is_confirmed_from_its_mailbox(owner: Owner, mail: StandIn) -> None:
    """security.md 29: the password of late; the link goes to the new address, the word of it to the old one."""
    session, before = owner.session(), len(tokens(mail, "confirm-address"))
    old, new = owner.email, f"new-{before}@example.net"
    owner.server.clock.advance(20 * 60)
    asked = session.get("/settings/security/address")
    assert asked.status_code == 403
    assert "Confirm it's you" in asked.text
    session = owner.session()
    assert send(session, "/settings/security/address", email=new).status_code == 303
    token = next_token(mail, "confirm-address", before)
    assert mail.taken[-1].fields["to"] in ([new], [old])
    assert not database_holds(owner, token)
    assert send(visitor(owner), "/confirm-address", token=token).headers["location"] == "/sign-in"
    assert send(visitor(owner), "/confirm-address", token=token).status_code == 422
    owner.email = new
    assert owner.session().get("/settings/security").status_code == 200
    ends = time.monotonic() + 60
    told = "The email address of your ARI account was changed"
    while not any(one.fields["subject"] == told and one.fields["to"] == [old] for one in mail.taken):
        assert time.monotonic() < ends
        time.sleep(0.1)
    links = [one.fields["to"] for one in mail.taken if (found := LINK.search(one.fields["text"])) and found[2] == token]
    assert links == [[new]]


@pytest.fixture
def _no_public_url(owner: Owner) -> Iterator[None]:
    """The server without a public URL, until the test ends."""
    address = owner.server.settings.pop("ARI_PUBLIC_URL")
    owner.server.restart()
    yield
    owner.server.settings["ARI_PUBLIC_URL"] = address
    owner.server.restart()


@pytest.mark.usefixtures("_no_public_url")
def test_without_email_or_address_the_page_says_how(owner: Owner) -> None:
    """security.md 3: unset, no email carries a link, so none is offered; the command line always works."""
    client = visitor(owner)
    request = {"email": owner.email, "csrf": csrf_of(client.get("/sign-in").text)}
    for answer in (client.get("/forgot-password"), client.post("/forgot-password", data=request)):
        assert answer.status_code == 200
        assert "ari account reset-password" in answer.text
        assert "Send reset link" not in answer.text
    assert "ari account set-email" in owner.session().get("/settings/security/address").text
