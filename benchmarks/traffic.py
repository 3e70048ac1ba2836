"""Traffic as a server behind a proxy sees it: no two heads are the same."""

import random
from collections.abc import Sequence

UNIQUE = "\x1f"
"""``load.lua`` replaces it with 16 hexadecimal digits that differ in each request."""
SETTINGS = {"ARI_TRUSTED_PROXIES": "127.0.0.1/32"}
"""Lets ARI read the clients' addresses from ``X-Forwarded-For``."""
MESSAGES = 20_000
_AGENTS = 60
_ADDRESSES = 3_000


def vary(messages: Sequence[bytes], seed: int = 1) -> list[bytes]:
    """``MESSAGES`` requests like these, each with a request id and a trace of its own, from mixed clients."""
    chance = random.Random(seed)
    agents = [_agent(chance, number) for number in range(_AGENTS)]
    addresses = [".".join(str(chance.randrange(1, 255)) for _ in range(4)) for _ in range(_ADDRESSES)]
    varied = []
    for _ in range(MESSAGES):
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


def _agent(chance: random.Random, number: int) -> str:
    version = f"{chance.randrange(1, 40)}.{chance.randrange(30)}.{number}"
    names = ("python-httpx", "Go-http-client", "okhttp", "axios", "curl", "node-fetch")
    if number % 3:
        return f"{names[number % len(names)]}/{version}"
    return f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} Safari/537.36"
