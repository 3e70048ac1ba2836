"""``smtplib`` sessions with checked addresses, and with users and passwords in any script."""

import hmac
import smtplib
import socket
import ssl
import threading
from base64 import b64encode, decodebytes
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

_MAX_CHALLENGES = 5
QUIT_SECONDS = 1.0
"""Time limit of the response to QUIT, after the one that counts."""


class SmtpTo(smtplib.SMTP):
    """Connects to checked addresses; TLS verifies the host name. Once ``abandoned`` is set, nothing is handed over."""

    abandoned: threading.Event | None = None

    def __init__(self, addresses: Sequence[str], host: str, port: int, step_seconds: float) -> None:
        self._addresses = addresses
        super().__init__(host, port, timeout=step_seconds)

    def _get_socket(self, _host: str, port: int, timeout: float) -> socket.socket:
        return _connect_to_first(self._addresses, port, timeout)

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Hand the email over, unless nobody waits for the response any more: then it is sent again later."""
        if self.abandoned is not None and self.abandoned.is_set():
            raise smtplib.SMTPServerDisconnected("abandoned")
        return super().data(msg)

    def leave(self) -> None:
        """End the session. How the server responds, or whether, says nothing about the email that it has accepted."""
        with suppress(smtplib.SMTPException, OSError):
            if self.sock:
                self.sock.settimeout(QUIT_SECONDS)
                self.quit()
        self.close()

    def auth(
        self, mechanism: str, authobject: Callable[..., Any], *, initial_response_ok: bool = True
    ) -> tuple[int, bytes]:
        """Sign in (RFC 4954) with a UTF-8 user and password (RFC 4616); the library accepts only ASCII."""
        first = authobject() if initial_response_ok else None
        code, said = self.docmd("AUTH", mechanism if first is None else f"{mechanism} {_base64(first)}")
        self._auth_challenge_count = 0 if first is None else 1  # auth_login asks for the password by it
        for _ in range(_MAX_CHALLENGES):
            if code != 334:
                break
            self._auth_challenge_count += 1
            code, said = self.docmd(_base64(authobject(decodebytes(said))))
        if code in (235, 503):
            return code, said
        raise smtplib.SMTPAuthenticationError(code, said)

    def auth_cram_md5(self, challenge: bytes | None = None) -> str | None:  # type: ignore[override]  # overloads there
        """The response to a challenge (RFC 2195)."""
        if challenge is None:
            return None
        return f"{self.user} {hmac.HMAC(_bytes(self.password), challenge, 'md5').hexdigest()}"


class SmtpsTo(SmtpTo, smtplib.SMTP_SSL):
    """Like ``SmtpTo``, with implicit TLS."""

    def __init__(
        self, addresses: Sequence[str], host: str, port: int, step_seconds: float, context: ssl.SSLContext
    ) -> None:
        self._addresses = addresses
        smtplib.SMTP_SSL.__init__(self, host, port, timeout=step_seconds, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self.context.wrap_socket(_connect_to_first(self._addresses, port, timeout), server_hostname=host)


def _connect_to_first(addresses: Sequence[str], port: int, timeout: float) -> socket.socket:
    for address in addresses[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, port), timeout)
    return socket.create_connection((addresses[-1], port), timeout)


def _base64(text: str) -> str:
    return b64encode(_bytes(text)).decode("ascii")


def _bytes(text: str) -> bytes:
    """UTF-8, or the original bytes of percent-encoded text in another encoding."""
    return text.encode("utf-8", "surrogateescape")
