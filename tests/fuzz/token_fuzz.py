"""Fuzz the token parser and the reading of credentials for a given time: ``make fuzz`` or ``--seconds N``.

Nothing but the parser's own refusal may come out of any input.
"""

import argparse
import os
import random
import time

from ari.http.credentials import presented
from ari.http.incoming import head_fault, keys_in_url, read_head
from ari.keys import token


def _mutated(source: random.Random) -> bytes:
    base = bytearray(token.mint().encode())
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
    headers = [(source.choice(names), source.choice((b"Bearer ", b"")) + _mutated(source)) for _ in range(6)]
    path = b"/" + source.choice((source.randbytes(12), _mutated(source)))
    return {
        "headers": headers,
        "method": "GET",
        "path": path.decode("utf-8", "surrogateescape"),
        "raw_path": path,
        "query_string": _mutated(source),
    }


def main() -> None:
    """Run until the time is over; an exception is a finding and ends the run with its seed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    arguments = parser.parse_args()
    source = random.Random(arguments.seed)
    ends = time.monotonic() + arguments.seconds
    rounds = 0
    while time.monotonic() < ends:
        text = _mutated(source)
        parsed = token.parse(text)
        if parsed is not None and token.checksum(text[:49]).encode() != text[49:]:
            raise SystemExit(f"accepted a wrong checksum; seed {arguments.seed}")
        incoming = read_head(_head(source), 1, 0.0)
        head_fault(incoming)
        keys_in_url(incoming)
        presented(incoming)
        rounds += 1
    print(f"{rounds} rounds, nothing found; seed {arguments.seed}")


if __name__ == "__main__":
    main()
