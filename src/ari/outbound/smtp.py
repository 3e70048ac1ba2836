"""Mail through a mail server (SMTP): with TLS, or on this machine only.

A server that took a mail and then fell silent gets it again: SMTP knows no repeated try. The Message-ID stays the same,
by which mail programs recognise a copy.
"""

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate, parseaddr
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from ari.base.addresses import permitted
from ari.notifications.model import Again, Letter, Outcome, Refused, Sent

_STEP_SECONDS = 10.0
"""How long one answer of the server may take."""
_RESEND_HOST = "smtp.resend.com"


class Smtp:
    """Fulfils ``notifications.ports.Sender``; ``url`` is ``smtp://`` (STARTTLS) or ``smtps://`` (TLS at once)."""

    name = "smtp"

    def __init__(self, url: str, context: ssl.SSLContext | None = None) -> None:
        """``context`` decides whose certificates are believed; by default the system does."""
        parts = urlsplit(url)
        self._tls_at_once = parts.scheme == "smtps"
        self._host = parts.hostname or ""
        self._port = parts.port or (465 if self._tls_at_once else 587)
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._context = context

    async def send(self, letter: Letter, key: str, within_seconds: float) -> Outcome:
        """Hand the mail over; its Message-ID is made of ``key``."""
        message = message_of(letter, key, self._host)
        try:
            async with asyncio.timeout(within_seconds):
                await asyncio.to_thread(self._hand_over, message)
        except TimeoutError:
            return Again("The mail server did not answer in time.")
        except smtplib.SMTPException as error:
            return outcome_of(error)
        except OSError as error:
            return Again(f"The mail server could not be reached ({type(error).__name__}).")
        return Sent(str(message["Message-ID"]))

    def _hand_over(self, message: EmailMessage) -> None:
        with self._connected() as server:
            if self._user:
                server.login(self._user, self._password)
            server.send_message(message)

    def _connected(self) -> smtplib.SMTP:
        """A connection that nobody else can read: TLS verified for the host's name, or within this machine."""
        addresses = checked_addresses(self._host, self._port)
        context = self._context or ssl.create_default_context()
        if self._tls_at_once:
            return _SmtpsTo(addresses, self._host, self._port, context)
        server = _SmtpTo(addresses, self._host, self._port)
        try:
            local = _is_loopback(server)
            server.ehlo_or_helo_if_needed()
            if server.has_extn("starttls"):
                # A mail server of this machine has a certificate of its own making; nobody stands between.
                server.starttls(context=_unverified() if local else context)
            elif not local:
                raise NoTlsError("the mail server offers no TLS")
        except BaseException:
            server.close()
            raise
        return server


class _SmtpTo(smtplib.SMTP):
    """Connects to the addresses that were checked; TLS asks for the host's name."""

    def __init__(self, addresses: Sequence[str], host: str, port: int) -> None:
        self._addresses = addresses
        super().__init__(host, port, timeout=_STEP_SECONDS)

    def _get_socket(self, _host: str, port: int, timeout: float) -> socket.socket:
        return _first_reached(self._addresses, port, timeout)


class _SmtpsTo(smtplib.SMTP_SSL):
    """As ``_SmtpTo``, with TLS at once."""

    def __init__(self, addresses: Sequence[str], host: str, port: int, context: ssl.SSLContext) -> None:
        self._addresses = addresses
        super().__init__(host, port, timeout=_STEP_SECONDS, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self.context.wrap_socket(_first_reached(self._addresses, port, timeout), server_hostname=host)


def _first_reached(addresses: Sequence[str], port: int, timeout: float) -> socket.socket:
    for address in addresses[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, port), timeout)
    return socket.create_connection((addresses[-1], port), timeout)


class NoTlsError(smtplib.SMTPException):
    """The server would take the mail, and the password, in the clear."""


def checked_addresses(host: str, port: int) -> Sequence[str]:
    """The addresses to connect to, in this order; the owner set the host, so it may be on this machine or its networks.

    Raises ``OSError``, also where one of the host's addresses is one that no call may go to (security.md 38).
    """
    found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not all(permitted(address, private=True) for address in found):
        raise PermissionError(f"{host} leads to an address that no call may go to")
    return found


def message_of(letter: Letter, key: str, host: str) -> EmailMessage:
    """The mail with both of its texts."""
    message = EmailMessage(SMTP_POLICY)
    domain = parseaddr(letter.sender)[1].rpartition("@")[2]
    message["From"] = letter.sender
    message["To"] = letter.recipient
    message["Subject"] = letter.subject
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{key}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: holiday notes do not answer
    if host == _RESEND_HOST:
        message["Resend-Idempotency-Key"] = key
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def outcome_of(error: smtplib.SMTPException) -> Outcome:
    """What a server's refusal means. 4xx is for now; 5xx of the mail itself is for good (RFC 5321 §4.2.1)."""
    if isinstance(error, NoTlsError):
        return Again("The mail server offers no TLS, so nothing was sent.", 1800)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Again(f"The mail server refused the user or password ({error.smtp_code}).", 1800)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _refused("recipient", max((refusal[0] for refusal in error.recipients.values()), default=0))
    if isinstance(error, smtplib.SMTPSenderRefused):
        return _refused("sender", error.smtp_code)
    if isinstance(error, smtplib.SMTPDataError):
        return _refused("mail", error.smtp_code)
    status = f" ({error.smtp_code})" if isinstance(error, smtplib.SMTPResponseException) else ""
    return Again(f"The mail server did not go along: {type(error).__name__}{status}.")


def _refused(what: str, code: int) -> Outcome:
    said = f"The mail server refused the {what} ({code})."
    return Refused(said) if code >= 500 else Again(said)


def _is_loopback(server: smtplib.SMTP) -> bool:
    peer = server.sock.getpeername()[0] if server.sock else ""
    return ip_address(peer).is_loopback


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
