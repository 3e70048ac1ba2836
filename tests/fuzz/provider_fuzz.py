"""Fuzz what a provider sends, byte by byte: ``python -m tests.fuzz.provider_fuzz --seconds N``.

Whatever status line, headers and framing come back, the caller gets a response: the provider's own, or 502 or 504 of
ours. No header is injected, the key shows nowhere, the server keeps its workers, and no connection is left open.
"""

import argparse
import base64
import gzip
import os
import random
import re
import socket
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.gateway import PROVIDER_KEY, AiGateway, running_gateway
from tests.support.processes import workers_of

PATH = "/api/ai/openai_compatible/models/"
IDLE_SECONDS = 1.0
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n")
_INJECTED = re.compile(
    rb"\r\n(set-cookie|x-injected|location|link|clear-site-data|access-control-[a-z-]+):", re.IGNORECASE
)
_KEY = PROVIDER_KEY.encode()


@dataclass
class Findings:
    """What came back, by status; ``wrong`` are the provider's bytes that broke a promise, and how."""

    statuses: Counter[int] = field(default_factory=Counter)
    cut: int = 0
    wrong: list[tuple[str, bytes]] = field(default_factory=list)


class Maker:
    """Makes responses from one seed."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def response(self) -> bytes:
        """The bytes of a response: a sound one with some parts replaced, sometimes spoiled or cut."""
        pick = self._chance.choice
        body = pick(self._bodies())
        status = pick(self._statuses()) if self._is_odd(0.4) else b"200 OK"
        odd_versions = (b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2", b"http/1.1", b"ICY")
        head = [(pick(odd_versions) if self._is_odd(0.1) else b"HTTP/1.1") + b" " + status]
        if self._is_odd(0.5):
            head += [pick(self._headers()) for _ in range(pick((1, 1, 2, 5)))]
        framed = pick(self._framings(body)[: None if self._is_odd(0.4) else 4])
        data = b"\r\n".join([*head, *framed[0], b"", framed[1]])
        if self._is_odd(0.1):
            data = pick((b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 X\r\nlink: </x>\r\n\r\n" * 3)) + data
        if self._is_odd(0.1):
            data = data[: self._chance.randrange(len(data) + 1)]
        if self._is_odd(0.1):
            at = self._chance.randrange(len(data) + 1)
            data = data[:at] + self._chance.randbytes(self._chance.randint(1, 4)) + data[at + 1 :]
        return data

    def _is_odd(self, share: float) -> bool:
        return self._chance.random() < share

    def _statuses(self) -> tuple[bytes, ...]:
        number = b"%03d" % self._chance.randrange(1000)
        return (
            b"200 OK",
            b"200 OK",
            b"200 OK",
            b"200",
            b"500 X",
            b"401 X",
            b"429 \xff\xfe",
            number + b" X",
            number,
            self._chance.choice(
                (b"000", b"099", b"100", b"101", b"103", b"199", b"204", b"205", b"304", b"600", b"999")
            ),
            self._chance.choice((b"", b"2", b"20", b"2000", b"-1", b"0x200", b"two", b"200OK", b" 200", b"200\x00")),
        )

    def _headers(self) -> tuple[bytes, ...]:
        wild = self._chance.randbytes(self._chance.randint(1, 30)).replace(b"\n", b"")
        return (
            b"content-type: application/json",
            b"Content-Type: text/event-stream",
            b"content-type: text/html",
            b"content-type: " + wild,
            b"content-type:",
            b"x-ratelimit-" + wild + b": 1",
            b"x-ratelimit-limit: " + wild,
            b"x-ratelimit-key: " + _KEY,
            b"request-id: a" + _KEY[3:40],
            b"x-request-id: " + _KEY + b"z",
            b"x-ratelimit-a: b\rset-cookie: evil=1",
            b"x-ratelimit-a: b\nx-injected: 1",
            b"x-ratelimit-a: b\r\n set-cookie: evil=1",
            b"retry-after: \x00\x01",
            b"set-cookie: a=b",
            b"location: http://127.0.0.1/",
            b"x-ratelimit-big: " + b"a" * self._chance.choice((8_000, 9_000, 70_000)),
            b"\r\n".join(
                b"x-ratelimit-%d: %s" % (at, b"a" * 100) for at in range(self._chance.choice((60, 200, 3000)))
            ),
            b"connection: close",
            b"connection: upgrade\r\nupgrade: websocket",
            b"no colon here",
            b": empty name",
            b"spaced name : x",
            b"trailer: x-injected",
            wild,
        )

    def _bodies(self) -> tuple[bytes, ...]:
        return (
            b"",
            b"{}",
            b'{"id": "x", "key": "' + _KEY + b'"}',
            b"data: " + _KEY[:20] + b"\n\n",
            b'data: {"a": "b"}\n\n' * 20,
            b'{"error": {"message": "Incorrect API key provided: ' + _KEY + b'"}}',
            self._chance.randbytes(300),
            b"x" * self._chance.choice((70_000, 1_200_000)),
        )

    def _framings(self, body: bytes) -> tuple[tuple[list[bytes], bytes], ...]:
        length = b"content-length: %d" % len(body)
        size = self._chance.choice((1, 7, 4096))
        pieces = [body[at : at + size] for at in range(0, min(len(body), 20_000), size)]
        chunked = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        chunks = b"transfer-encoding: chunked"
        bad = self._chance.choice(
            (b"zz", b"-1", b"0x1", b"ffffffffffffffff", b"", b"1;" + b"e" * 20_000, b"+1", b"1 1")
        )
        packed = self._chance.choice(
            (gzip.compress(body), zlib.compress(body), gzip.compress(body)[:-6], b"not packed")
        )
        coding = b"content-encoding: " + self._chance.choice(
            (b"gzip", b"deflate", b"br", b"gzip, gzip", b"\x80", b"GZIP")
        )
        return (
            ([length], body),
            ([length], body),
            ([], body),
            ([chunks], chunked + b"0\r\n\r\n"),
            ([chunks], chunked + b"0\r\nx-injected: 1\r\n\r\n"),
            ([chunks], chunked),
            ([chunks], chunked + bad + b"\r\nx\r\n0\r\n\r\n"),
            ([length, chunks], chunked + b"0\r\n\r\n"),
            ([length, b"content-length: 1"], body),
            ([length, length], body),
            ([b"content-length: %d" % (len(body) + self._chance.choice((-1, 1, 9, 10**9, 10**25)))], body),
            ([b"content-length: x"], body),
            ([b"transfer-encoding: gzip, chunked"], chunked + b"0\r\n\r\n"),
            ([coding, b"content-length: %d" % len(packed)], packed),
            ([length], body + b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nx-injected: 1\r\n\r\nfoo"),
        )


class Provider:
    """Responds to each request on a connection of its own with the bytes that its path names."""

    def __init__(self) -> None:
        self.responses: dict[bytes, tuple[bytes, int]] = {}
        self.open = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def run(self) -> None:
        """Until ``close``."""
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        # Closing alone does not wake a thread that waits in accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self, link: socket.socket) -> None:
        with self._lock:
            self.open += 1
        try:
            link.settimeout(60)
            head = b""
            while b"\r\n\r\n" not in head:
                part = link.recv(65_536)
                if not part:
                    return
                head += part
            data, cut_at = self.responses[head.split(b" ", 2)[1].rpartition(b"/")[2]]
            link.sendall(data[:cut_at])
            if cut_at < len(data):
                time.sleep(0.01)
                link.sendall(data[cut_at:])
            link.shutdown(socket.SHUT_WR)
            while link.recv(65_536):
                pass
        except OSError:
            pass
        finally:
            link.close()
            with self._lock:
                self.open -= 1


@contextmanager
def serving_provider() -> Iterator[Provider]:
    """A provider that sends what the test says."""
    provider = Provider()
    thread = threading.Thread(target=provider.run, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.close()
        thread.join()


def run(ai: AiGateway, seed: int, cases: int, seconds: float) -> Findings:
    """Send so many responses through a running gateway, or as many as fit in the time."""
    chance, findings = random.Random(seed), Findings()
    maker, until = Maker(chance), time.monotonic() + seconds
    workers = workers_of(ai.owner.server)
    admin = ai.owner.api(ai.reader)
    with serving_provider() as provider:
        named = {"base_url": provider.url, "key": PROVIDER_KEY}
        admin.put("/api/integrations/openai_compatible", json=named).raise_for_status()
        for number in range(cases):
            if time.monotonic() > until:
                break
            data = maker.response()
            provider.responses[b"%d" % number] = data, chance.randrange(len(data) + 1)
            received = _ask(ai, number)
            for flaw in _find_flaws(received, findings):
                findings.wrong.append((f"{flaw}, sent in two parts at {provider.responses[b'%d' % number][1]}", data))
            del provider.responses[b"%d" % number]
        admin.delete("/api/integrations/openai_compatible")
        deadline = time.monotonic() + 20
        while provider.open and time.monotonic() < deadline:
            time.sleep(0.05)
        if provider.open:
            findings.wrong.append((f"{provider.open} connections are left open", b""))
    if workers_of(ai.owner.server) != workers:
        findings.wrong.append(("a worker is gone", b""))
    return findings


def _ask(ai: AiGateway, number: int) -> bytes:
    """Everything that comes back."""
    request = f"GET {PATH}{number} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: {ai.key}\r\nconnection: close\r\n\r\n"
    received = b""
    with socket.create_connection(("127.0.0.1", ai.owner.server.port), timeout=30) as link:
        link.sendall(request.encode())
        try:
            while part := link.recv(262_144):
                received += part
        except ConnectionResetError:
            pass
        except TimeoutError:
            return received + b"(no end)"
    return received


def _find_flaws(received: bytes, findings: Findings) -> Iterator[str]:
    found = _STATUS.match(received)
    if found is None:
        yield f"no response: {received[:60]!r}"
        return
    status = int(found[1])
    findings.statuses[status] += 1
    head, _, body = received.partition(b"\r\n\r\n")
    if not 200 <= status <= 599 or b'"code":"internal"' in body:
        yield f"status {status}"
    if received.endswith(b"(no end)"):
        yield "the connection was left open"
    if _INJECTED.search(head + b"\r\n"):
        yield "a header was injected"
    if b"nosniff" not in head:
        yield "a response without our headers"
    if _KEY in received or base64.b64encode(_KEY) in received:
        yield "the key shows"
    findings.cut += b"transfer-encoding: chunked" in head and not body.endswith(b"0\r\n\r\n")


def main() -> int:
    """0 if nothing was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    with (
        tempfile.TemporaryDirectory() as folder,
        running_gateway(Path(folder) / "data", ARI_AI_IDLE_SECONDS=str(IDLE_SECONDS)) as ai,
    ):
        findings = run(ai, options.seed, sys.maxsize, options.seconds)
    print(
        f"{findings.statuses.total()} responses, {findings.cut} broken off: {dict(sorted(findings.statuses.items()))}"
    )
    for flaw, data in findings.wrong[:20]:
        print(f"WRONG: {flaw}: {data[:400]!r} … {data[-60:]!r} ({len(data)} bytes)")
    return bool(findings.wrong)


if __name__ == "__main__":
    sys.exit(main())
