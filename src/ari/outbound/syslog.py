"""Sends the audit log to a collector of syslog messages: RFC 5424 over TLS (RFC 5425), with octet counting.

Syslog has no acknowledgments. Messages count as delivered once the collector's machine confirmed their bytes and the
connection still holds at the next look: a second later, or before the next page.
"""

import re
import socket
import ssl
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path
from urllib.parse import urlsplit

from ari.base.audit import Mark
from ari.base.audit_lines import ChainedEvent, write_head
from ari.base.clock import to_rfc3339
from ari.base.errors import AriError
from ari.base.events import Event
from ari.base.readable import is_readable
from ari.outbound.owner_hosts import find_addresses

STEP_SECONDS = 10.0
"""How long connecting to one address and TLS may take, and how long sending waits while no byte is confirmed."""
DEFAULT_PORT = 6514
_PRIORITY = 13 * 8 + 6
"""Facility 13 (log audit), severity 6 (informational)."""
_DATA_ID = "ari@32473"
"""32473 is the enterprise number for documentation (RFC 5612)."""
_NOT_PLAIN = re.compile(r"[^!-z|~]")
"""A brace is where readers of a message look for its JSON."""
_ESCAPED = re.compile(r'(["\\\]])')
_MAX_HOST = 255
_USER_TIMEOUT_MS = 30_000
_PIECE_BYTES = 16 * 1024


class SyslogFailed(AriError):
    """The collector can't be reached, or the connection was lost."""


def describe_original(collector: str) -> str:
    """Why a restored instance doesn't send to the collector of its original."""
    return (
        f"{collector} gets the audit log of the instance that this one was restored from: set another "
        "ARI_AUDIT_SYSLOG or, if that instance will never run again, take the collector over with ari audit take-over."
    )


class SyslogConnection:
    """One connection to a collector; ``url`` is ``tls://`` or ``tcp://``. Raises ``SyslogFailed``."""

    def __init__(self, url: str, ca_file: Path | None, client_file: Path | None) -> None:
        parts = urlsplit(url)
        self.place = f"{parts.hostname}:{parts.port or DEFAULT_PORT}"
        self._host_name = _clean(socket.gethostname())[:_MAX_HOST] or "-"
        self._sent_bytes = 0
        self._ends: deque[tuple[int, str]] = deque()
        """Where in the stream each event ends that isn't confirmed yet, and its ID."""
        self._delivered_id: str | None = None
        try:
            context = None if parts.scheme == "tcp" else make_context(ca_file, client_file)
            self._socket = self._connect(parts.hostname or "", parts.port or DEFAULT_PORT, context)
        except ssl.SSLCertVerificationError as error:
            raise SyslogFailed(f"The certificate of {self.place} isn't trusted: {error.verify_message}.") from None
        except ssl.SSLError as error:
            raise SyslogFailed(f"TLS with {self.place} failed ({error.reason or type(error).__name__}).") from None
        except socket.gaierror:
            raise SyslogFailed(f"The host name of {self.place} can't be resolved.") from None
        except (OSError, UnicodeError) as error:
            raise self._explain(error) from None

    def send(
        self,
        events: Sequence[ChainedEvent],
        head: Mark | None,
        now_ms: int,
        after_piece: Callable[[], None] = lambda: None,
    ) -> None:
        """Hand these messages to the system, however long a slow collector takes.

        ``after_piece`` is called at least every ``STEP_SECONDS``; what it raises ends the sending.
        """
        data = bytearray()
        for one in events:
            data += _frame(self._write_event(one))
            self._ends.append((self._sent_bytes + len(data), one.event.id))
            if len(data) >= _PIECE_BYTES:
                self._send_all(data, after_piece)
                data = bytearray()
        if head is not None:
            data += _frame(self._write(now_ms, "audit_head", "-", write_head(head)))
        self._send_all(data, after_piece)

    def find_delivered(self) -> str | None:
        """The last event whose bytes the collector's machine has confirmed; ``None`` if there is none.

        Raises ``SyslogFailed`` if it hung up.
        """
        try:
            # TLS only adds bytes, so that at most so many of the messages are unconfirmed.
            confirmed = self._sent_bytes - _count_unconfirmed(self._socket)
            if is_readable(self._socket):
                self._socket.settimeout(0.0)
                try:
                    if self._socket.recv(4096) == b"":
                        raise SyslogFailed(f"{self.place} closed the connection.")
                except (BlockingIOError, ssl.SSLWantReadError):  # a TLS record without data
                    pass
                finally:
                    self._socket.settimeout(STEP_SECONDS)
        except OSError as error:
            raise self._explain(error) from None
        while self._ends and self._ends[0][0] <= confirmed:
            self._delivered_id = self._ends.popleft()[1]
        return self._delivered_id

    def require_accepted(self, seconds: float) -> None:
        """Wait whether the collector hangs up: with TLS 1.3, it refuses a client's certificate after the handshake.

        Raises ``SyslogFailed``.
        """
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0 and is_readable(self._socket, left):
            self.find_delivered()

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()

    def _connect(self, host: str, port: int, context: ssl.SSLContext | None) -> socket.socket:
        last: OSError | None = None
        for address in find_addresses(host, port):
            try:
                plain = socket.create_connection((address, port), STEP_SECONDS)
            except OSError as error:
                last = error
                continue
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)
            try:
                return plain if context is None else context.wrap_socket(plain, server_hostname=host)
            except BaseException:
                plain.close()
                raise
        raise last or OSError("it has no address")

    def _send_all(self, data: bytearray, after_piece: Callable[[], None]) -> None:
        rest = memoryview(data)
        try:
            unconfirmed = _count_unconfirmed(self._socket)
        except OSError as error:
            raise self._explain(error) from None
        while rest:
            try:
                sent = self._socket.send(rest[:_PIECE_BYTES])
            except TimeoutError as error:
                waiting = _count_unconfirmed(self._socket)
                if waiting >= unconfirmed:
                    raise self._explain(error) from None
                sent, unconfirmed = 0, waiting
            except OSError as error:
                raise self._explain(error) from None
            else:
                unconfirmed = _count_unconfirmed(self._socket)
            self._sent_bytes += sent
            rest = rest[sent:]
            after_piece()

    def _write_event(self, one: ChainedEvent) -> bytes:
        event = one.event
        return self._write(event.at_ms, event.name, _write_ids(event), one.to_line())

    def _write(self, at_ms: int, name: str, data: str, line: bytes) -> bytes:
        header = f"<{_PRIORITY}>1 {to_rfc3339(at_ms)} {self._host_name} ari - {name[:32]} {data} "
        return header.encode() + line.rstrip(b"\n")

    def _explain(self, error: Exception) -> SyslogFailed:
        said = (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
        return SyslogFailed(f"Can't reach {self.place}: {said[0].lower()}{said[1:]}.")


def make_context(ca_file: Path | None, client_file: Path | None) -> ssl.SSLContext:
    """Certificates are verified, by the system's authorities or by those in ``ca_file``. Raises ``SyslogFailed``."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
        if client_file is not None:
            context.load_cert_chain(client_file, password=lambda: b"")
    except (OSError, ValueError) as error:
        wrong = "ARI_AUDIT_SYSLOG_CA_FILE" if client_file is None else "ARI_AUDIT_SYSLOG_CLIENT_FILE or …_CA_FILE"
        said = error.strerror if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else None
        raise SyslogFailed(f"{wrong} can't be used: {said or 'no certificates in PEM format'}.") from None
    return context


def _frame(message: bytes) -> bytes:
    return b"%d %b" % (len(message), message)


def _write_ids(event: Event) -> str:
    ids = {"id": event.id, "actor": event.actor, "subject": event.subject}
    pairs = " ".join(f'{name}="{_escape(value)}"' for name, value in ids.items() if value is not None)
    return f"[{_DATA_ID} {pairs}]"


def _escape(text: str) -> str:
    return _ESCAPED.sub(r"\\\1", _clean(text))


def _clean(text: str) -> str:
    return _NOT_PLAIN.sub("?", text)


def _count_unconfirmed(connection: socket.socket) -> int:
    """The bytes that the other machine hasn't confirmed; 0 where the system can't say."""
    if sys.platform != "linux":
        return 0
    import termios  # noqa: PLC0415 - only here

    found = ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
    return int.from_bytes(found, sys.byteorder)
