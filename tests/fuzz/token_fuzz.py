"""Fuzz the token parser and the reading of credentials for a given time: ``make fuzz`` or ``--seconds N``.

Nothing but the parser's own refusal may come out of any input.
"""

import argparse
import os
import random
import time

from ari.base.secrets_in_text import cut_secrets
from ari.http.credentials import read_credentials
from ari.http.request_head import head_fault, keys_in_url, read_head
from ari.keys import token

_PREFIXES = (token.PREFIX, "a_", "acme_live_", "k2__x_", "abcdefghij123456789_")


def _mutate(source: random.Random) -> bytes:
    base = bytearray(token.mint(source.choice(_PREFIXES)).encode())
    for _ in range(source.randint(0, 4)):
        action = source.randrange(4)
        position = source.randrange(len(base) + 1)
        if action == 0:
            base[position:position] = source.randbytes(source.randint(1, 3))
        elif action == 1:
            del base[position : position + source.randint(1, 5)]
        elif action == 2 and base:
            base[source.randrange(len(base))] = source.randrange(256)
        else:
            base *= source.randint(1, 2)
    return bytes(base)


def _head(source: random.Random) -> dict[str, object]:
    names = [b"x-api-key", b"authorization", b"host", b"x-request-id", b"user-agent", b"cookie", source.randbytes(5)]
    headers = [(source.choice(names), source.choice((b"Bearer ", b"")) + _mutate(source)) for _ in range(6)]
    path = b"/" + source.choice((source.randbytes(12), _mutate(source)))
    return {
        "headers": headers,
        "method": "GET",
        "path": path.decode("utf-8", "surrogateescape"),
        "raw_path": path,
        "query_string": _mutate(source),
    }


def fuzz(seed: int, rounds: int | None = None, seconds: float = 60) -> int:
    """Run so many rounds, or until the time is over; gives their number. An exception is a finding."""
    source = random.Random(seed)
    ends = time.monotonic() + seconds
    done = 0
    while time.monotonic() < ends and (rounds is None or done < rounds):
        text = _mutate(source)
        parsed = token.parse(text)
        assert parsed is None or token.checksum(text[:-6]).encode() == text[-6:], f"accepted a wrong checksum: {text!r}"
        found = list(token.find_tokens(text))
        assert all(token.is_token(one) and text[at : at + len(one)] == one for at, one in found), (
            f"found what is no key: {text!r}"
        )
        assert parsed is None or found == [(0, text)], f"did not find the key: {text!r}"
        assert not list(token.find_tokens(cut_secrets(text.decode("latin-1")).encode())), f"left a key: {text!r}"
        incoming = read_head(_head(source), 1)
        head_fault(incoming)
        keys_in_url(incoming)
        read_credentials(incoming)
        done += 1
    return done


def main() -> None:
    """Run until the time is over; an exception is a finding and ends the run with its seed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    print(f"{fuzz(arguments.seed, seconds=arguments.seconds)} rounds, nothing found")


if __name__ == "__main__":
    main()
