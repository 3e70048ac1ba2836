"""Signing in to a mail server with letters of any script, by each mechanism."""

import hmac
import smtplib
from base64 import b64decode, b64encode
from typing import Any

import pytest

from ari.outbound.smtp_session import SmtpTo

USER, PASSWORD = "jürgen", "Grün \udcfc €"  # the middle is the byte FC of a password that is not UTF-8


class Scripted(SmtpTo):
    """A session without a connection: the server's responses are given, what would be sent is kept."""

    def __init__(self, *answers: tuple[int, bytes], mechanisms: str = "") -> None:
        smtplib.SMTP.__init__(self)
        self.answers = list(answers)
        self.sent: list[str] = []
        self.ehlo_resp = b""
        self.does_esmtp = True
        self.esmtp_features = {"auth": mechanisms}

    def ehlo_or_helo_if_needed(self) -> None:
        pass

    def docmd(self, cmd: str, args: str = "") -> tuple[int, bytes]:
        self.sent.append(f"{cmd} {args}".strip())
        return self.answers.pop(0)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_user_and_password_arrive_as_they_are(mechanism: str) -> None:
    """UTF-8, and bytes that are none."""
    asked = {"PLAIN": [], "LOGIN": [(334, b64encode(b"Password:"))], "CRAM-MD5": [(334, b64encode(b"<1@host>"))]}
    session = Scripted(*asked[mechanism], (235, b"ok"), mechanisms=mechanism)
    session.login(USER, PASSWORD)
    sent = [b64decode(line.split()[-1]) for line in session.sent if line != f"AUTH {mechanism}"]
    proof = hmac.new(_bytes(PASSWORD), b"<1@host>", "md5").hexdigest()
    assert (
        sent
        == {
            "PLAIN": [b"\0" + _bytes(USER) + b"\0" + _bytes(PASSWORD)],
            "LOGIN": [_bytes(USER), _bytes(PASSWORD)],
            "CRAM-MD5": [_bytes(f"{USER} {proof}")],
        }[mechanism]
    )


def test_a_wrong_password_and_a_server_that_asks_for_ever() -> None:
    """Both end as a refusal."""
    for answers in ([(535, b"no")], [(334, b"")] * 9):
        with pytest.raises(smtplib.SMTPAuthenticationError):
            Scripted(*answers, mechanisms="PLAIN").auth("PLAIN", lambda _=None: "x")


def test_cram_md5_has_no_first_response() -> None:
    """It responds with a challenge."""
    session: Any = Scripted()
    assert session.auth_cram_md5() is None
