"""The real program emails: from a key that is created to an email at Resend, the API in between, secrets nowhere."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.owner import EMAIL, Owner, csrf_of, start_owner
from tests.support.processes import eventually
from tests.support.resend import KEY, StandIn, stand_in
from tests.support.server import ServerProcess


@pytest.fixture(scope="module")
def service() -> Iterator[StandIn]:
    with stand_in() as running:
        yield running


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory, service: StandIn) -> Iterator[Owner]:
    """The owner of a server that emails by the stand-in."""
    folder = tmp_path_factory.mktemp("mail") / "data"
    folder.mkdir(mode=0o700)
    settings = {
        "RESEND_API_KEY": KEY,
        "ARI_RESEND_URL": service.url,
        "ARI_MAIL_FROM": "ARI <ari@example.net>",
        "ARI_TIME_ZONE": "Europe/Berlin",
    }
    found = start_owner(ServerProcess(folder, settings=settings))
    found.make_keys_over_http()
    yield found
    found.close()
    found.server.kill()


def history(owner: Owner, key: str) -> list[dict[str, Any]]:
    answer = owner.api(key).get("/api/notifications/history")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def _list_accepted(owner: Owner) -> str:
    """The lines of the history about emails that Resend has accepted."""
    lines = owner.cli("notifications", "history", check=True).stdout.splitlines()
    return "\n".join(line for line in lines if "accepted by resend at" in line)


def test_a_created_key_becomes_one_email(owner: Owner, service: StandIn) -> None:
    """By the job of the server; its history says what Resend calls it, and the secret is nowhere."""
    created, secret = owner.create_key("Automation Script")
    _, reader = owner.create_key("Reader", scopes=["notifications:read"])

    def list_sent() -> list[dict[str, Any]]:
        found = [one for one in history(owner, reader) if "Automation Script" in one["subject"]]
        return [one for one in found if one["state"] == "sent"]

    eventually(lambda: list_sent() != [], 60)
    [notice] = list_sent()
    [mail] = [one for one in service.taken if one.id == notice["sender_id"]]
    assert (notice["kind"], notice["state"], notice["sender"], notice["recipient"]) == (
        "key_created",
        "sent",
        "resend",
        EMAIL,
    )
    assert (mail.key, mail.fields["to"], mail.fields["from"]) == (notice["id"], [EMAIL], "ARI <ari@example.net>")
    assert created["hint"] in mail.fields["text"]
    assert "CET" in mail.fields["html"]
    for told in (mail.fields["text"], mail.fields["html"], mail.fields["subject"]):
        assert secret not in told
        assert "://" not in told  # no public address is set
    assert KEY not in owner.server.log_text()
    assert "Email is off" not in owner.server.log_text()


def test_a_key_sees_and_switches_by_its_scopes(owner: Owner) -> None:
    """Reading and writing are apart, and no default grants either."""
    _, plain = owner.create_key("Plain")
    assert owner.api(plain).get("/api/notifications").json()["code"] == "insufficient_scope"
    _, reader = owner.create_key("Reader", scopes=["notifications:read"])
    _, writer = owner.create_key("Writer", scopes=["notifications:*"])
    listed = owner.api(reader).get("/api/notifications").json()
    assert listed["mail"] == {
        "on": True,
        "sender": "resend",
        "from": "ARI <ari@example.net>",
        "recipient": EMAIL,
        "links": False,
    }
    assert {one["kind"]: one["on"] for one in listed["items"]}["key_widened"] is True
    refused = owner.api(reader).patch("/api/notifications/key_widened", json={"on": False})
    assert refused.json()["code"] == "insufficient_scope"
    switched = owner.api(writer).patch("/api/notifications/key_widened", json={"on": False})
    assert (switched.status_code, switched.json()["on"]) == (200, False)
    assert owner.api(writer).patch("/api/notifications/nonsense", json={"on": False}).status_code == 404
    assert owner.api(writer).patch("/api/notifications/key_widened", json={"on": 1}).status_code == 422
    listed = owner.api(reader).get("/api/notifications").json()
    assert {one["kind"]: one["on"] for one in listed["items"]}["key_widened"] is False


def test_a_test_email_says_how_it_ended(owner: Owner, service: StandIn) -> None:
    """Taken or not, in words; never what the service wrote."""
    _, writer = owner.create_key("Tester", scopes=["notifications:write"])
    taken = owner.api(writer).post("/api/notifications/test").json()
    assert (taken["sent"], taken["message"]) == (True, f"Test email sent to {EMAIL}. Check your inbox in a minute.")
    assert service.taken[-1].fields["subject"] == "ARI test email"
    service.faults.append("500")
    failed = owner.api(writer).post("/api/notifications/test").json()
    assert failed["sent"] is False
    assert failed["message"] == "The test email wasn't sent: Resend returned 500: internal error at Resend."


def test_a_session_must_prove_and_confirm(owner: Owner) -> None:
    """A forged form changes nothing; a session must confirm an old password first (security.md 29)."""
    browser = owner.session()
    assert browser.patch("/api/notifications/key_created", json={"on": False}).json()["code"] == "csrf_failed"
    proof = {"x-csrf-token": csrf_of(browser.get("/settings/security").text)}
    switch: dict[str, Any] = {"json": {"on": True}, "headers": proof}
    assert browser.patch("/api/notifications/key_created", **switch).status_code == 200
    owner.server.clock.advance(16 * 60)
    refused = browser.patch("/api/notifications/key_created", **switch)
    assert refused.json()["code"] == "confirmation_required"


def test_the_command_line_sees_the_same(owner: Owner, service: StandIn) -> None:
    """It lists, switches, tests and shows the state of each email."""
    assert owner.cli.json("notifications", "list")["mail"]["sender"] == "resend"
    assert owner.cli("notifications", "off", "keys_unused", check=True).stdout == "Unused API keys: off.\n"
    lines = owner.cli("notifications", "list", check=True).stdout.splitlines()
    assert [line.split("\t")[1] for line in lines if line.startswith("keys_unused")] == ["off"]
    created, _ = owner.create_key("Made for the history")
    eventually(lambda: f"“{created['name']}”" in _list_accepted(owner), 60)
    before = len(service.taken)
    assert "Test email sent to" in owner.cli("notifications", "test", check=True).stdout
    assert len(service.taken) == before + 1
    service.faults.append("quota")
    failed = owner.cli("notifications", "test")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("ari: The test email wasn't sent: Resend returned 429: your account's")


def test_without_email_serve_says_so_once(server: ServerProcess, cli: Any) -> None:
    """In one line, with what to do; so does a test."""
    assert server.stdout_path.read_text(encoding="utf-8").count("Email is off. Add a Resend key") == 1
    refused = cli("notifications", "test")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "RESEND_API_KEY" in refused.stderr
