"""Spellings of a path that another router might take for the same path."""

import random
from collections.abc import Iterator

_CONTROLS = [bytes([code]) for code in (*range(0x20), 0x7F)]
_LOOK_ALIKES = {
    "a": "\u0430\uff41\u0251",
    "e": "\u0435\uff45",
    "i": "\u0456\u0131\uff49",
    "k": "\u212a\uff4b\u043a",
    "o": "\u043e\uff4f",
    "p": "\u0440\uff50",
    "s": "\u017f\u0455\uff53",
    "y": "\u0443\uff59",
    "/": "\u2044\u2215\uff0f\u29f8",
    "-": "\u2010\u2011\u2212",
    ".": "\u2024\uff0e",
}
_ENDINGS = [
    b"/",
    b"//",
    b"/.",
    b"/..",
    b";",
    b";x=1",
    b";/",
    b".",
    b".json",
    b".html",
    b"%20",
    b"%09",
    b"%0d%0a",
    b"%e2%80%a8",
    b"%e2%80%a9",
    b"%c2%85",
    b"%c2%a0",
    b"%ef%bb%bf",
    b"%e2%80%8b",
    b"%23",
    b"%3f",
    b"%3fx=1",
    b"%26",
    b"%25",
    b"%250a",
    b"%00",
    b"%2f",
    b"%5c",
    b"\\",
    b"*",
    b"~",
    b"%u000a",
    b"%",
    b"%0",
    b"%zz",
    b"\xc0\xaf",
    b"%c0%8a",
    b"%c0%af",
    b"%e0%80%8a",
    b"%f0%80%80%8a",
    b"%ff",
    b"%ed%a0%80",
    b"%c0%ae%c0%ae",
    b"?",
    b"?/",
    b"#",
    b"#x",
    b"@x",
    b":80",
    b"&",
    b"+",
]
_BEGINNINGS = [
    b"/",
    b"/.",
    b"/./",
    b"/..",
    b"\\",
    b"%2f",
    b"%5c",
    b"/;",
    b"/%0a",
    b"/x/..",
    b"/x/%2e%2e",
    b"/api/..",
    b"/static/..",
    b"/%2e",
    b"/..;",
    b"/api/ai/openai/..",
    b"/static/x/%2e%2e",
    b".",
    b"",
]


def spellings(path: str, chance: random.Random) -> Iterator[bytes]:
    """Request targets near ``path``, the exact one first: encodings, controls, look-alikes, slashes, dots, cuts."""
    exact = path.encode()
    yield exact
    for code in _CONTROLS:
        yield exact + b"%%%02x" % code[0]
    for ending in _ENDINGS:
        yield exact + ending
    for beginning in _BEGINNINGS:
        yield beginning + exact
        yield beginning + exact[1:]
    place = chance.randrange(1, len(exact)) if len(exact) > 1 else 0
    for inside in (*(b"%%%02X" % chance.choice(_CONTROLS)[0] for _ in range(6)), *chance.sample(_ENDINGS, 8)):
        yield exact[:place] + inside + exact[place:]
    yield exact.upper()
    yield exact.title()
    yield exact.swapcase() + b"%0a"
    yield b"".join(b"%%%02x" % byte if byte != 0x2F else b"/" for byte in exact)
    yield b"".join(b"%%25%02x" % byte if byte != 0x2F else b"/" for byte in exact)
    yield _some_encoded(exact, chance)
    yield _some_encoded(exact, chance) + b"%0a"
    yield exact.replace(b"/", b"//")
    yield exact.replace(b"/", b"/./")
    yield exact.replace(b"/", b"%2f")
    yield exact.replace(b"/", b"\\")
    yield exact.replace(b"/", b"/;a=b/")
    yield exact.replace(b"/", b"%c0%af")
    yield exact[:-1]
    yield exact[1:]
    yield from _look_alikes(path)


def _some_encoded(exact: bytes, chance: random.Random) -> bytes:
    return b"".join(b"%%%02x" % byte if byte != 0x2F and chance.random() < 0.3 else bytes([byte]) for byte in exact)


def _look_alikes(path: str) -> Iterator[bytes]:
    """Characters that Unicode normalization or case folding turns into those of the path, raw and percent-encoded."""
    for place, letter in enumerate(path):
        for other in _LOOK_ALIKES.get(letter, "") if place else "":
            text = (path[:place] + other + path[place + 1 :]).encode()
            yield text
            yield b"".join(b"%%%02X" % byte if byte >= 0x80 else bytes([byte]) for byte in text)
