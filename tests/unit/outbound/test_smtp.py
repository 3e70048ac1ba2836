"""Email through a real mail server: TLS is demanded, the email is whole, refusals are understood."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ari.notifications.model import Accepted, Email, Rejected, Retry, SendResult
from ari.outbound import smtp, smtp_session
from ari.outbound.smtp import Smtp, message_of
from tests.support.certificates import self_signed
from tests.support.mail_server import PASSWORD, USER, Mailbox, mail_server

LETTER = Email("ARI <ari@example.net>", "owner@example.com", "A key “ü” [.]", "Text ü\n" * 9, "<p>Html ü</p>\n" * 9)
WHO = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls") / "server.pem")


@pytest.fixture(scope="module")
def starttls(certificate: Path) -> Iterator[Mailbox]:
    with mail_server("starttls", certificate) as box:
        yield box


@pytest.fixture
def box(starttls: Mailbox) -> Mailbox:
    starttls.clear()
    return starttls


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server counts as one that is not on this machine."""
    monkeypatch.setattr(smtp, "is_loopback", lambda _: False)


def send(url: str, trusted: Path | None = None, letter: Email = LETTER) -> SendResult:
    context = ssl.create_default_context(cafile=trusted) if trusted else None
    return asyncio.run(Smtp(url, context).send(letter, "ntc_1", 10))


def test_an_email_arrives_whole(box: Mailbox, certificate: Path, far_away: None) -> None:
    """Over STARTTLS, signed in, with both texts, a Message-ID of the notice, and no wish for a response."""
    assert send(f"smtp://{WHO}localhost:{box.port}", certificate) == Accepted("<ntc_1@example.net>")
    [mail] = box.mails
    assert (box.encrypted, box.users) == ([True], [USER.encode()])
    assert (mail["From"], mail["To"], mail["Subject"]) == (LETTER.sender, LETTER.recipient, LETTER.subject)
    assert (mail["Message-ID"], mail["Auto-Submitted"]) == ("<ntc_1@example.net>", "auto-generated")
    parts: list[Any] = list(mail.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert [part.get_content().replace("\r\n", "\n") for part in parts] == [LETTER.text, LETTER.html]


def test_the_same_try_again_has_the_same_message_id(box: Mailbox, certificate: Path) -> None:
    """SMTP may deliver twice; the copy can be recognized."""
    box.lose_answer = True
    assert isinstance(send(f"smtp://{WHO}localhost:{box.port}", certificate), Retry)
    box.lose_answer = False
    assert isinstance(send(f"smtp://{WHO}localhost:{box.port}", certificate), Accepted)
    assert [mail["Message-ID"] for mail in box.mails] == ["<ntc_1@example.net>"] * 2


@pytest.mark.parametrize("said", ["", "451 busy", "250 what"])
def test_how_the_session_ends_says_nothing_about_the_email(
    box: Mailbox, certificate: Path, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that has accepted the email, and then doesn't respond to QUIT or refuses it, gets no second copy."""
    monkeypatch.setattr(smtp_session, "QUIT_SECONDS", 0.05)
    box.answer_quit = said
    assert isinstance(send(f"smtp://{WHO}localhost:{box.port}", certificate), Accepted)
    assert len(box.mails) == 1


def test_a_canceled_attempt_hands_nothing_over(box: Mailbox, certificate: Path) -> None:
    """Its thread goes on until the server responds, and the email may be sent again by then."""
    box.may_take_recipient = threading.Event()

    async def cancel_at_recipient() -> None:
        context = ssl.create_default_context(cafile=certificate)
        sending = asyncio.create_task(Smtp(f"smtp://{WHO}localhost:{box.port}", context).send(LETTER, "ntc_1", 10))
        await asyncio.to_thread(box.is_reached.wait, 10)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert box.may_take_recipient is not None
        box.may_take_recipient.set()

    asyncio.run(cancel_at_recipient())  # its end waits for the thread
    assert box.mails == []


def test_a_certificate_that_nobody_vouches_for_gets_nothing(box: Mailbox, far_away: None) -> None:
    """Neither the email nor the password."""
    said = send(f"smtp://{WHO}localhost:{box.port}")
    assert said == Retry("Couldn't reach the mail server (SSLCertVerificationError).")
    assert (box.mails, box.users) == ([], [])


def test_tls_is_demanded_beyond_this_machine(certificate: Path, far_away: None) -> None:
    """A server without it gets neither the email nor the password."""
    with mail_server("none", certificate) as box:
        said = send(f"smtp://{WHO}localhost:{box.port}")
        assert said == Retry("The mail server doesn't offer TLS, so nothing was sent.", 1800)
        assert (box.mails, box.users) == ([], [])


def test_this_machine_needs_no_tls(certificate: Path) -> None:
    """A relay on loopback, without users; and one with a certificate of its own making."""
    with mail_server("none", certificate) as box:
        assert isinstance(send(f"smtp://127.0.0.1:{box.port}"), Accepted)
        assert box.encrypted == [False]
    with mail_server("starttls", certificate) as box:
        assert isinstance(send(f"smtp://{WHO}127.0.0.1:{box.port}"), Accepted)
        assert box.encrypted == [True]


def test_tls_at_once(certificate: Path) -> None:
    """smtps:// is verified everywhere."""
    with mail_server("at once", certificate) as box:
        assert isinstance(send(f"smtps://localhost:{box.port}", certificate), Accepted)
        assert isinstance(send(f"smtps://localhost:{box.port}"), Retry)
        assert len(box.mails) == 1


def test_refusals_are_understood(box: Mailbox, certificate: Path) -> None:
    """A temporary refusal is tried again, a permanent one ends it; a wrong password can be mended."""
    url = f"smtp://{WHO}localhost:{box.port}"
    box.answer = "451 try later"
    assert send(url, certificate) == Retry("The mail server rejected the email (451).")
    box.answer = "554 spam"
    assert send(url, certificate) == Rejected("The mail server rejected the email (554).")
    box.answer_recipient = "550 no such user"
    assert send(url, certificate) == Rejected("The mail server rejected the recipient (550).")
    box.answer_recipient = "450 greylisted"
    assert send(url, certificate) == Retry("The mail server rejected the recipient (450).")
    wrong = send(f"smtp://x:y@localhost:{box.port}", certificate)
    assert wrong == Retry("The mail server rejected the user or password (535).", 1800)


def test_nobody_there_and_nowhere_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed port; a name that leads to the machine's metadata (security.md 38)."""
    assert send("smtp://127.0.0.1:1") == Retry("Couldn't reach the mail server (ConnectionRefusedError).")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("169.254.169.254", 25))])
    assert send("smtp://mail.example.net") == Retry("Couldn't reach the mail server (PermissionError).")


def test_resends_own_mail_server_knows_the_notice() -> None:
    """There the idempotency key works over SMTP too; nobody else gets it."""
    assert message_of(LETTER, "ntc_1", "smtp.resend.com")["Resend-Idempotency-Key"] == "ntc_1"
    assert message_of(LETTER, "ntc_1", "mail.example.net")["Resend-Idempotency-Key"] is None


@contextmanager
def serve_greeting(greeting: bytes) -> Iterator[int]:
    """Something that is no mail server: it says this to each connection, and hangs up after the next line."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                while True:
                    link, _ = listener.accept()
                    with link:
                        link.sendall(greeting)
                        link.recv(1000)
            except OSError:  # closed
                pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_the_host_of_an_address_may_be_of_any_script(certificate: Path) -> None:
    """Every server takes it, since it goes in its ASCII form; a comma does not make two recipients."""
    letter = replace(LETTER, sender="Bücherei <ari@bücher.example>", recipient="a,b@straße.example")
    with mail_server("none", certificate) as box:
        assert send(f"smtp://127.0.0.1:{box.port}", letter=letter) == Accepted("<ntc_1@xn--bcher-kva.example>")
    [mail] = box.mails
    assert mail["From"] == "Bücherei <ari@xn--bcher-kva.example>"
    assert mail["To"] == '"a,b"@xn--strae-oqa.example'
    assert len(mail["To"].addresses) == 1


def test_other_letters_before_the_at_sign_need_a_server_that_takes_them(certificate: Path) -> None:
    """With SMTPUTF8 the email goes; without, one sentence says why not."""
    letter = replace(LETTER, recipient="jürgen@bücher.example")
    with mail_server("none", certificate, utf8=True) as box:
        assert isinstance(send(f"smtp://127.0.0.1:{box.port}", letter=letter), Accepted)
        assert str(box.mails[0]["To"]) == "jürgen@xn--bcher-kva.example"
    with mail_server("none", certificate) as box:
        said = send(f"smtp://127.0.0.1:{box.port}", letter=letter)
        assert said == Rejected("The mail server doesn't accept non-ASCII characters before the @ (no SMTPUTF8).")


@pytest.mark.parametrize(
    "recipient", ["a@b..c", "a@-ü-.de", "a@" + "ü" * 70 + ".de", "a\r\nBcc: x@y@z", "@", "a@[::1]"]
)
def test_what_is_no_address_is_a_sentence(certificate: Path, recipient: str) -> None:
    """For any address of the account: an email, or a permanent refusal; never an exception, never another recipient."""
    with mail_server("none", certificate) as box:
        said = send(f"smtp://127.0.0.1:{box.port}", letter=replace(LETTER, recipient=recipient))
    assert isinstance(said, Accepted | Rejected)
    assert all(len(mail["To"].addresses) == 1 and mail["Bcc"] is None for mail in box.mails)


def test_tls_at_once_where_the_server_waits_to_be_asked(certificate: Path) -> None:
    """smtps:// on a port of STARTTLS."""
    with mail_server("starttls", certificate) as box:
        said = send(f"smtps://localhost:{box.port}", certificate)
    assert isinstance(said, Retry)
    assert f"Port {box.port} of the mail server doesn't start with TLS" in said.error
    assert "Set ARI_SMTP_URL to smtp://" in said.error


def test_no_tls_where_the_server_begins_with_it(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """smtp:// on a port of TLS: both wait for the other to speak."""
    monkeypatch.setattr("ari.outbound.smtp.STEP_SECONDS", 0.2)
    with mail_server("at once", certificate) as box:
        said = send(f"smtp://localhost:{box.port}", certificate)
    assert isinstance(said, Retry)
    assert f"Port {box.port} of the mail server sent no SMTP greeting" in said.error
    assert "set ARI_SMTP_URL to smtps://" in said.error


@pytest.mark.parametrize(
    ("url", "opens"),
    [
        ("smtp://mail.example.net:465", "SmtpsTo"),
        ("smtps://mail.example.net:465", "SmtpsTo"),
        ("smtp://mail.example.net:587", "SmtpTo"),
    ],
)
def test_port_465_begins_with_tls_by_either_scheme(url: str, opens: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is served there (RFC 8314)."""
    opened: list[str] = []

    def refuse(name: str) -> Callable[..., None]:
        def connect(*_: object) -> None:
            opened.append(name)
            raise ConnectionRefusedError

        return connect

    monkeypatch.setattr(smtp, "find_addresses", lambda *_: ["192.0.2.1"])
    for name in ("SmtpTo", "SmtpsTo"):
        monkeypatch.setattr(smtp, name, refuse(name))
    assert isinstance(send(url), Retry)
    assert opened == [opens]


@pytest.mark.parametrize(
    ("greeting", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "sent no SMTP greeting"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "sent no SMTP greeting"),
        (b"\xff\xfe\x00\r\n", "sent no SMTP greeting"),
        (b"22\r\n", "sent no SMTP greeting"),
        (b"x" * 9000 + b"\r\n", "Sending failed: SMTPResponseException (500)."),
        (b"554 no service for you\r\n", "(554)"),
        (b"421 too busy\r\n", "(421)"),
        (b"220 mail.example.net\r\n", "closed the connection"),
        (b"220 \xfc\xff\r\n500 \xfc\r\n500 \xfc\r\n", "Sending failed: SMTPHeloError (500)."),
    ],
)
def test_bad_greetings_are_one_sentence(greeting: bytes, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another protocol, an alert of TLS, no text, too long a line, a refusal, silence after it."""
    monkeypatch.setattr("ari.outbound.smtp.STEP_SECONDS", 1.0)
    with serve_greeting(greeting) as port:
        said = send(f"smtp://127.0.0.1:{port}")
    assert isinstance(said, Retry)
    assert words in said.error
    assert said.error.endswith(".")


def test_a_server_without_users_says_so(certificate: Path) -> None:
    """Its AUTH is missing, which is no wrong password."""
    with mail_server("none", certificate) as box:
        said = send(f"smtp://{WHO}127.0.0.1:{box.port}")
    assert said == Retry("The mail server doesn't support sign-in. Remove user and password from ARI_SMTP_URL.", 1800)


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that no name can be."""
    assert send("smtp://mail.invalid") == Retry("The mail server's host name can't be resolved.")
    assert isinstance(send("smtp://" + "a" * 70 + ".example"), Retry)
