"""Traffic as a server behind a proxy sees it: no two heads are the same."""

import random
from collections.abc import Sequence

UNIQUE = "\x1f"
"""Load generators replace it with 16 hexadecimal digits that differ in each request."""
SETTINGS = {"ARI_TRUSTED_PROXIES": "127.0.0.1/32"}
"""Lets ARI read the clients' addresses from ``X-Forwarded-For``."""
MESSAGES = 20_000
AGENTS, ADDRESSES = 50, 200


def vary(messages: Sequence[bytes], seed: int = 1, count: int | None = None) -> list[bytes]:
    """``count`` (else ``MESSAGES``) requests like these, each with its own request ID and trace, of mixed clients."""
    chance = random.Random(seed)
    agents = [make_agent(chance, number) for number in range(AGENTS)]
    addresses = [".".join(str(chance.randrange(1, 255)) for _ in range(4)) for _ in range(ADDRESSES)]
    varied = []
    for _ in range(MESSAGES if count is None else count):
        head, end, body = chance.choice(messages).partition(b"\r\n\r\n")
        lines = (
            f"User-Agent: {chance.choice(agents)}",
            "Accept: */*",
            "Accept-Encoding: gzip, deflate, br",
            f"X-Forwarded-For: {chance.choice(addresses)}",
            f"X-Request-Id: {UNIQUE}{chance.getrandbits(64):016x}",
            f"traceparent: 00-{chance.getrandbits(64):016x}{UNIQUE}-{chance.getrandbits(64):016x}-01",
        )
        varied.append(b"\r\n".join([head, *(line.encode() for line in lines)]) + end + body)
    return varied


def fill(message: bytes, number: int) -> bytes:
    """The message as it is sent: ``number`` makes it unique."""
    return message.replace(UNIQUE.encode(), b"%016x" % number)


def make_agent(chance: random.Random, number: int) -> str:
    """The user agent of one client."""
    version = f"{chance.randrange(1, 40)}.{chance.randrange(30)}.{number}"
    names = ("python-httpx", "Go-http-client", "okhttp", "axios", "curl", "node-fetch")
    if number % 3:
        return f"{names[number % len(names)]}/{version}"
    return f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} Safari/537.36"
