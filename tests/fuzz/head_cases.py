"""Requests to fuzz a server with, made from a seed."""

import random
from dataclasses import dataclass

from ari.keys import token
from tests.fuzz.words import ENDINGS, METHODS, NAMES, TARGETS, VERSIONS


@dataclass(frozen=True)
class Keys:
    """A key that works and what a stranger may know: dead keys, and texts that are nearly the live one."""

    live: bytes
    dead: tuple[bytes, ...]


@dataclass
class Case:
    """Bytes to send; ``hostile``: they nowhere present the live key, so no 2xx may come back."""

    data: bytes
    hostile: bool
    pause_at: int | None = None


class Maker:
    """Makes cases from one seed."""

    def __init__(self, keys: Keys, port: int, chance: random.Random) -> None:
        self._keys = keys
        self._host = b"127.0.0.1:%d" % port
        self._chance = chance

    def case(self) -> Case:
        """Any case: mostly hostile ones."""
        pick = self._chance.random()
        if pick < 0.40:
            return self._spoil(Case(self._request(self._make_stranger()), hostile=True))
        if pick < 0.60:
            return self._cut(Case(self._make_framing(), hostile=True))
        if pick < 0.70:
            return self._cut(Case(self._double_key(), hostile=True))
        if pick < 0.80:
            return self._spoil(Case(self._huge(), hostile=True))
        return self._spoil(Case(self._request(self._keys.live), hostile=False))

    def _spoil(self, case: Case) -> Case:
        """Sometimes with bytes changed. Not where a changed byte could turn a hidden key into a sent one."""
        chance = self._chance
        if chance.random() < 0.25:
            data = bytearray(case.data)
            for _ in range(chance.randint(1, 4)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            case.data = bytes(data)
        return self._cut(case)

    def _cut(self, case: Case) -> Case:
        """Sometimes cut short, or sent in two parts."""
        chance = self._chance
        if chance.random() < 0.1:
            case.data = case.data[: chance.randrange(len(case.data) + 1)]
        if chance.random() < 0.2 and len(case.data) > 1:
            case.pause_at = chance.randrange(1, len(case.data))
        return case

    def _make_stranger(self) -> bytes:
        """Something that is not the live key, often only just."""
        chance = self._chance
        text = bytearray(
            chance.choice((self._keys.live, *self._keys.dead, token.mint().encode(), chance.randbytes(20)))
        )
        if bytes(text) != self._keys.live and chance.random() < 0.5:
            return bytes(text)
        for _ in range(chance.randint(1, 3)):
            position = chance.randrange(len(text))
            action = chance.randrange(3)
            if action == 0:
                text[position] = chance.choice(b'\x00\x01\t ,;"\x7f\x80\xc3\xff0Zz')
            elif action == 1:
                del text[position]
            else:
                text.insert(position, chance.randrange(256))
        # What differs only in blanks around it, or in a cut behind a line's end, is the live key.
        return b"x" + bytes(text) if self._keys.live in text else bytes(text)

    def _credential(self, text: bytes) -> bytes:
        return (
            self._chance.choice(
                (b"x-api-key: ", b"X-Api-Key:", b"authorization: Bearer ", b"Authorization: bearer ", b"x-api-key:\t")
            )
            + text
        )

    def _lines(self, *lines: bytes) -> bytes:
        odd = self._chance.random() < 0.15
        return b"".join(line + (self._chance.choice(ENDINGS) if odd else b"\r\n") for line in lines)

    def _target(self) -> bytes:
        chance = self._chance
        target = chance.choice(TARGETS)
        twist = chance.randrange(12)
        if twist == 0:
            return target + b"?" + chance.randbytes(chance.randint(0, 30)).replace(b"\n", b"").replace(b"\r", b"")
        if twist == 1:
            return chance.choice(
                (
                    b"/api//me",
                    b"/api/./me",
                    b"/api/%2e%2e/api/me",
                    b"/api%2fme",
                    b"/api/me%00",
                    b"\\api\\me",
                    b"/api/me;x",
                    b"http://evil.example/api/me",
                    b"*",
                    b"//evil.example/api/me",
                    b"/api/me#x",
                )
            )
        if twist == 2:
            return target + bytes(chance.choice((b"%", b"%zz", b"%ff", b"\xc3\xa9", b"%c3%a9", b"\x00", b"/")))
        return target

    def _request(self, text: bytes) -> bytes:
        """A request with this credential, more or less well made."""
        chance = self._chance
        odd = chance.random() < 0.3
        version = chance.choice(VERSIONS) if odd else b"HTTP/1.1"
        lines = [chance.choice(METHODS if odd else METHODS[:8]) + b" " + self._target() + b" " + version]
        headers = [b"host: " + (self._host if chance.random() < 0.9 else chance.randbytes(6)), self._credential(text)]
        headers += [chance.choice(NAMES) + b": " + self._value() for _ in range(chance.randint(0, 4))]
        chance.shuffle(headers)
        return self._lines(*lines, *headers, b"") + self._body()

    def _value(self) -> bytes:
        chance = self._chance
        return chance.choice(
            (
                b"",
                b"0",
                b"-1",
                b"99999999999999999999",
                b"chunked",
                b"gzip, chunked",
                b"100-continue",
                b"websocket",
                b"close",
                b"keep-alive, x-api-key",
                b"application/json",
                b"127.0.0.1",
                b"a" * 300,
                "ключ ☃".encode(),
                chance.randbytes(12),
                b"\tfolded\r\n more",
                b"a, b",
                self._make_stranger(),
            )
        )

    def _body(self) -> bytes:
        chance = self._chance
        return chance.choice(
            (b"", b"", b"{}", b"[" * 200, b'{"name":"\xff"}', b"5\r\nhello\r\n0\r\n\r\n", chance.randbytes(50))
        )

    def _make_framing(self) -> bytes:
        """Two opinions about where the body ends, with a request for the live key hidden in it."""
        chance = self._chance
        hidden = b"GET /api/me HTTP/1.1\r\nhost: " + self._host + b"\r\nx-api-key: " + self._keys.live + b"\r\n\r\n"
        chunk = b"%x\r\n" % len(hidden) + hidden + b"\r\n0\r\n\r\n"
        framing, body = chance.choice(
            (
                ((b"content-length: %d" % len(hidden), b"transfer-encoding: identity"), hidden),
                ((b"content-length: %d" % len(hidden), b"content-length: %d" % len(hidden)), hidden),
                ((b"content-length: +%d" % len(hidden),), hidden),
                ((b"content-length: %d" % len(hidden),), hidden),
                ((b"transfer-encoding: chunked",), chunk),
                ((b"transfer-encoding: chunked", b"content-length: %d" % len(chunk)), chunk),
                ((b"content-length: %d" % len(chunk), b"transfer-encoding: chunked"), chunk),
            )
        )
        line = chance.choice((b"POST", b"POST", b"PATCH", b"GET")) + b" " + chance.choice(TARGETS) + b" HTTP/1.1"
        head = [
            b"host: " + self._host,
            self._credential(self._keys.dead[0]),
            b"content-type: application/json",
            *framing,
        ]
        return b"\r\n".join([line, *head, b"", b""]) + body

    def _double_key(self) -> bytes:
        """The live key next to another one: a contradiction."""
        chance = self._chance
        other = chance.choice((*self._keys.dead, token.mint().encode(), b"x", self._keys.live[:-1]))
        live = self._keys.live
        lines = chance.choice(
            (
                (b"x-api-key: " + live, b"x-api-key: " + other),
                (b"x-api-key: " + other, b"authorization: Bearer " + live),
                (b"x-api-key: " + live + b", " + other,),
                (b"x-api-key: " + live, b"x-api-key: " + live),
                (b"x_api_key: " + live, b"x-api-key: " + other),
                (b"cookie: x-api-key=" + live,),
                (b"authorization: Basic " + live,),
            )
        )
        return b"\r\n".join([b"GET /api/me HTTP/1.1", b"host: " + self._host, *lines, b"", b""])

    def _huge(self) -> bytes:
        """More of something than any client sends."""
        chance = self._chance
        size = chance.choice((1_000, 30_000, 33_000, 70_000, 300_000))
        bad = self._credential(self._keys.dead[0])
        head = [b"GET /api/me HTTP/1.1", b"host: " + self._host, bad]
        shape = chance.randrange(5)
        if shape == 0:
            head.insert(2, b"x-filler: " + b"a" * size)
        elif shape == 1:
            head[2:2] = [b"x-%d: a" % number for number in range(size // 10)]
        elif shape == 2:
            head[0] = b"GET /api/me?" + b"a" * size + b" HTTP/1.1"
        elif shape == 3:
            head[2] = b"x-api-key: " + self._keys.live + b"a" * size
        else:
            head[0] = b"POST /api/keys HTTP/1.1"
            head += [b"content-type: application/json", b"content-length: %d" % size]
        return b"\r\n".join([*head, b"", b""]) + (b"[" * size if shape == 4 else b"")
