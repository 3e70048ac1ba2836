"""A real mail server (aiosmtpd) on loopback: with STARTTLS, with TLS at once, or with neither."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "ari@example.net", "p@ss:word/1"


@dataclass
class Mailbox:
    """The emails that the server took, and its replies: ``answer`` replaces the one to the email itself."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    users: list[bytes] = field(default_factory=list)
    answer: str | None = None
    answer_recipient: str | None = None
    lose_answer: bool = False
    answer_quit: str = "221 Bye"
    """Empty: none within a minute."""
    is_reached: threading.Event = field(default_factory=threading.Event)
    may_take_recipient: threading.Event | None = None
    """Until it is set, recipients are neither taken nor refused."""

    def clear(self) -> None:
        """Forget every email, and reply as a new server does."""
        vars(self).update(vars(Mailbox(self.port)))

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _: Any
    ) -> str:
        """Take a recipient, or reply as the test wants."""
        self.is_reached.set()
        while self.may_take_recipient is not None and not self.may_take_recipient.is_set():
            await asyncio.sleep(0.01)
        if self.answer_recipient:
            return self.answer_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Take an email."""
        if self.answer:
            return self.answer
        message = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        self.encrypted.append(session.ssl is not None)
        if self.lose_answer and isinstance(server.transport, asyncio.WriteTransport):
            server.transport.abort()
        return "250 taken"

    async def handle_QUIT(self, *_: Any) -> str:  # noqa: N802 - as above
        """Say goodbye, or not."""
        if not self.answer_quit:
            await asyncio.sleep(60)
        return self.answer_quit

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, mechanism: str, data: Any) -> AuthResult:
        """One user, one password."""
        right = isinstance(data, LoginPassword) and data == LoginPassword(USER.encode(), PASSWORD.encode())
        if right:
            self.users.append(data.login)
        return AuthResult(success=right, handled=False)


@contextmanager
def mail_server(
    tls: Literal["starttls", "at once", "none"], certificate: Path, *, utf8: bool = False
) -> Iterator[Mailbox]:
    """It serves until the block ends; ``certificate`` holds its key and certificate. With STARTTLS it wants a user.

    ``utf8``: it takes addresses with letters of any script before the @.
    """
    box = Mailbox()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    options: dict[str, Any] = {"hostname": "localhost", "enable_SMTPUTF8": utf8}
    if tls == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
        options |= {"authenticator": box.authenticate, "auth_required": True}
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> asyncio.Server:
        at_once = context if tls == "at once" else None
        return await loop.create_server(lambda: SMTP(box, loop=loop, **options), "127.0.0.1", 0, ssl=at_once)

    server = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
