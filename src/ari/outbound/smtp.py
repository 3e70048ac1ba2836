"""Send email through an SMTP server, with TLS or on this machine only.

SMTP has no idempotency: if a server accepts an email but the reply is lost, the retry sends a second copy. Both have
the same Message-ID, by which email programs recognize duplicates.
"""

import asyncio
import smtplib
import socket
import ssl
import threading
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate, parseaddr
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from ari.base.hosts import ascii_address, ascii_host
from ari.notifications.model import Accepted, Email, Rejected, Retry, SendResult
from ari.outbound.owner_hosts import find_addresses
from ari.outbound.smtp_session import SmtpsTo, SmtpTo

STEP_SECONDS = 10.0
"""Time limit of one server response; less if the total limit is closer, so that the error names the cause."""
_TLS_PORT = 465
"""Port with implicit TLS, regardless of the URL (RFC 8314 §3.3)."""
_OWNERS_TURN_SECONDS = 1800.0
_RESEND_HOST = "smtp.resend.com"


class Smtp:
    """Fulfills ``notifications.ports.Sender``; ``url`` is ``smtp://`` (STARTTLS) or ``smtps://`` (implicit TLS)."""

    name = "smtp"

    def __init__(self, url: str, context: ssl.SSLContext | None = None) -> None:
        """``context`` has the trusted certificates; the default is the system's."""
        parts = urlsplit(url)
        self._port = parts.port or (_TLS_PORT if parts.scheme == "smtps" else 587)
        self._tls_at_once = parts.scheme == "smtps" or self._port == _TLS_PORT
        self._host = ascii_host(parts.hostname or "")
        self._user = unquote(parts.username or "", errors="surrogateescape")
        self._password = unquote(parts.password or "", errors="surrogateescape")
        self._context = context

    async def send(self, email: Email, key: str, within_seconds: float) -> SendResult:
        """Send the email; its Message-ID is derived from ``key``.

        After the time limit, or if this is canceled, an email that isn't handed over yet is never handed over.
        """
        abandoned = threading.Event()
        try:
            message = message_of(email, key, self._host)
        except (ValueError, IndexError):  # the library's parser of addresses raises both
            return Rejected("The sender's or recipient's address can't be used in an email.")
        try:
            async with asyncio.timeout(within_seconds):
                step_seconds = min(STEP_SECONDS, within_seconds * 0.8)
                await asyncio.to_thread(self._hand_over, message, step_seconds, abandoned)
        except TimeoutError:
            return Retry("The mail server didn't respond in time.")
        except smtplib.SMTPException as error:
            return outcome_of(error)
        except socket.gaierror:
            return Retry("The mail server's host name can't be resolved.")
        except ssl.SSLError as error:
            return Retry(self._tls_words(error), _OWNERS_TURN_SECONDS if _speaks_no_tls(error) else 0)
        except OSError as error:
            return Retry(f"Couldn't reach the mail server ({type(error).__name__}).")
        except UnicodeError:
            return Retry("ARI_SMTP_URL contains characters that SMTP doesn't allow.")
        finally:
            abandoned.set()
        return Accepted(str(message["Message-ID"]))

    def _tls_words(self, error: ssl.SSLError) -> str:
        if _speaks_no_tls(error):
            return (
                f"Port {self._port} of the mail server doesn't start with TLS, as smtps:// requires. Set ARI_SMTP_URL "
                "to smtp://, which uses STARTTLS."
            )
        return f"Couldn't reach the mail server ({type(error).__name__})."

    def _hand_over(self, message: EmailMessage, step_seconds: float, abandoned: threading.Event) -> None:
        server = self._connect(step_seconds)
        server.abandoned = abandoned
        try:
            if self._user:
                server.login(self._user, self._password)
            server.send_message(message)
        finally:
            server.leave()

    def _connect(self, step_seconds: float) -> SmtpTo:
        """A private connection: TLS with a certificate for the host name, or a connection within this machine."""
        addresses = find_addresses(self._host, self._port)
        context = self._context or ssl.create_default_context()
        if self._tls_at_once:
            return SmtpsTo(addresses, self._host, self._port, step_seconds, context)
        try:
            server = SmtpTo(addresses, self._host, self._port, step_seconds)
        except smtplib.SMTPServerDisconnected:
            raise NoGreetingError(self._port) from None
        except smtplib.SMTPConnectError as error:
            if error.smtp_code >= 200:
                raise
            raise NoGreetingError(self._port) from None
        try:
            local = is_loopback(server)
            server.ehlo_or_helo_if_needed()
            if server.has_extn("starttls"):
                # A mail server on this machine has a self-signed certificate; nobody can intercept the connection.
                server.starttls(context=_create_unverified_context() if local else context)
            elif not local:
                raise NoTlsError("the mail server doesn't offer TLS")
        except BaseException:
            server.close()
            raise
        return server


class NoTlsError(smtplib.SMTPException):
    """The server would accept the email and the password unencrypted."""


class NoGreetingError(smtplib.SMTPException):
    """The port sends no SMTP greeting, or waits for TLS."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.port = port


def _speaks_no_tls(error: ssl.SSLError) -> bool:
    return error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST")


def message_of(email: Email, key: str, host: str) -> EmailMessage:
    """The email with plain text and HTML. Raises ``ValueError`` or ``IndexError`` for an invalid address."""
    message = EmailMessage(SMTP_POLICY)
    name, sender = parseaddr(email.sender)
    written = _address(sender, name)
    domain = written.domain
    message["From"] = written
    message["To"] = _address(email.recipient)
    message["Subject"] = email.subject
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{key}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: prevents out-of-office replies
    if host == _RESEND_HOST:
        message["Resend-Idempotency-Key"] = key
    message.set_content(email.text)
    message.add_alternative(email.html, subtype="html")
    return message


def _address(text: str, name: str = "") -> Address:
    """The address, quoted where needed, with an ASCII host name."""
    user, _, host = ascii_address(text).rpartition("@")
    return Address(name, user.removeprefix('"').removesuffix('"'), host)


def outcome_of(error: smtplib.SMTPException) -> SendResult:
    """The result of a server error: 4xx is temporary; 5xx about the email itself is permanent (RFC 5321 §4.2.1)."""
    if isinstance(error, NoTlsError):
        return Retry("The mail server doesn't offer TLS, so nothing was sent.", _OWNERS_TURN_SECONDS)
    if isinstance(error, NoGreetingError):
        return Retry(
            f"Port {error.port} of the mail server sent no SMTP greeting. If it starts with TLS, like port 465, set "
            "ARI_SMTP_URL to smtps://.",
            _OWNERS_TURN_SECONDS,
        )
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Retry(f"The mail server rejected the user or password ({error.smtp_code}).", _OWNERS_TURN_SECONDS)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return _make_unsupported_result(error)
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return Retry("The mail server closed the connection.")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _refuse("recipient", max((refusal[0] for refusal in error.recipients.values()), default=0))
    if isinstance(error, smtplib.SMTPSenderRefused):
        return _refuse("sender", error.smtp_code)
    if isinstance(error, smtplib.SMTPDataError):
        return _refuse("email", error.smtp_code)
    status = f" ({error.smtp_code})" if isinstance(error, smtplib.SMTPResponseException) else ""
    return Retry(f"Sending failed: {type(error).__name__}{status}.")


def _make_unsupported_result(error: smtplib.SMTPNotSupportedError) -> SendResult:
    if "SMTPUTF8" in str(error):
        return Rejected("The mail server doesn't accept non-ASCII characters before the @ (no SMTPUTF8).")
    return Retry("The mail server doesn't support sign-in. Remove user and password from ARI_SMTP_URL.", 1800)


def _refuse(what: str, code: int) -> SendResult:
    said = f"The mail server rejected the {what} ({code})."
    return Rejected(said) if code >= 500 else Retry(said)


def is_loopback(server: smtplib.SMTP) -> bool:
    """Whether the server is on this machine."""
    peer = server.sock.getpeername()[0] if server.sock else ""
    return ip_address(peer).is_loopback


def _create_unverified_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
