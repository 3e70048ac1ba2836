"""One request over HTTP/2, written frame by frame (RFC 9113), as no client library would send it."""

import socket
import ssl
import struct
from collections.abc import Iterator, Sequence

_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _GOAWAY = 0, 1, 3, 4, 7
_END_HEADERS, _ACK = 4, 1
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_LONG = 127


def send_open_request(port: int, headers: Sequence[tuple[bytes, bytes]], body: bytes, seconds: float = 20) -> None:
    """Send a request whose body doesn't end, and return with the head of the response, or when it is refused."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=seconds)) as connection:
        assert connection.selected_alpn_protocol() == "h2"
        block = b"".join(b"\0" + _write_text(name) + _write_text(value) for name, value in headers)
        connection.sendall(_PREFACE + _write_frame(_SETTINGS, 0, 0, b""))
        connection.sendall(_write_frame(_HEADERS, _END_HEADERS, 1, block) + _write_frame(_DATA, 0, 1, body))
        try:
            for kind, flags in _read_frames(connection):
                if kind == _SETTINGS and not flags & _ACK:
                    connection.sendall(_write_frame(_SETTINGS, _ACK, 0, b""))
                if kind in (_HEADERS, _RST_STREAM, _GOAWAY):
                    return
        except (ConnectionError, ssl.SSLEOFError):
            return  # a proxy that hangs up refuses, too


def _read_frames(connection: ssl.SSLSocket) -> Iterator[tuple[int, int]]:
    """The type and the flags of each frame."""
    received = b""
    while piece := connection.recv(65_536):
        received += piece
        while len(received) >= 9 and len(received) >= (end := 9 + int.from_bytes(received[:3], "big")):
            yield received[3], received[4]
            received = received[end:]


def _write_frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _write_text(text: bytes) -> bytes:
    """A string of HPACK without Huffman coding (RFC 7541 §5.2)."""
    if len(text) < _LONG:
        return bytes([len(text)]) + text
    length, rest = bytes([_LONG]), len(text) - _LONG
    while rest >= 128:
        length, rest = length + bytes([rest % 128 + 128]), rest // 128
    return length + bytes([rest]) + text
