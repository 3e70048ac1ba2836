"""Verification without HTTP: ``python -m benchmarks.inprocess ROUNDS NAME=DATA_DIR=KEYS_FILE …`` prints JSON.

The keys file holds one key a line. The cases are interleaved and their order is reversed each round; nothing but the
calls is inside the clock.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from ari.base.settings import load_settings
from ari.keys import token
from ari.keys.checks import AccessRequest
from ari.keys.verify import decide, verify
from ari.storage.engine import Database
from benchmarks.rows import spoilt
from benchmarks.stats import Spread, spread

_CALLS = 20_000
_SHAPELESS = "sk_live_0123456789abcdef0123456789abcdef"


async def measure(rounds: int, sets: Sequence[tuple[str, Path, list[str]]]) -> dict[str, Spread]:
    """µs a call for each case."""
    cases: dict[str, Callable[[], Awaitable[None]]] = {}
    ask = AccessRequest(None, time.time_ns() // 1_000_000)
    parse = token.parse
    known = _repeated(sets[0][2])
    typos, shapeless = [spoilt(key.decode()).encode() for key in known], [_SHAPELESS.encode()] * _CALLS
    cases["parse a well-formed key (shape, checksum, SHA-256)"] = _calls(parse, known)
    cases["parse a key with a typo"] = _calls(parse, typos)
    cases["parse a text of another shape"] = _calls(parse, shapeless)
    cases["call a Python function that does nothing: how fast the interpreter is"] = _calls(_nothing, known)
    databases = [Database.open(load_settings(data_dir=folder)) for _, folder, _ in sets]
    lookups = [await database.open_lookup() for database in databases]
    for (name, _, keys), lookup in zip(sets, lookups, strict=True):
        texts = _repeated(keys)
        strangers = _repeated([token.mint() for _ in range(2_000)])
        cases[f"find, {name} keys, the check shared in a tick"] = _awaits(
            lookup.find, [token.digest(text) for text in texts]
        )
        cases[f"verify (parse, find, decide), {name} keys"] = _awaits(_verifier(lookup, ask), texts)
        cases[f"verify an unknown key, {name} keys"] = _awaits(_verifier(lookup, ask), strangers)
    cases["verify a malformed key"] = _awaits(_verifier(lookups[0], ask), typos)
    one = await lookups[0].find(token.digest(known[0]))
    assert one is not None, "the data set does not know its own key"
    cases["decide"] = _calls(lambda key: decide(key, ask), [one] * _CALLS)
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name in list(cases) if number % 2 else reversed(cases):
            gc.collect()
            began = time.perf_counter_ns()
            await cases[name]()
            if number:
                taken[name].append((time.perf_counter_ns() - began) / 1000 / _CALLS)
    for lookup, database in zip(lookups, databases, strict=True):
        await lookup.close()
        database.close()
    return {name: spread(values) for name, values in taken.items()}


def _nothing(_: object) -> None: ...


def _repeated(keys: Sequence[str]) -> list[bytes]:
    return [keys[number % len(keys)].encode() for number in range(_CALLS)]


def _calls(function: Callable[[Any], Any], given: Sequence[Any]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        for one in given:
            function(one)

    return run


def _awaits(function: Callable[[Any], Awaitable[Any]], given: Sequence[Any]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        for one in given:
            await function(one)

    return run


def _verifier(lookup: Any, ask: AccessRequest) -> Callable[[bytes], Awaitable[Any]]:
    return lambda text: verify(lookup, text, ask)


if __name__ == "__main__":
    parts = [given.split("=") for given in sys.argv[2:]]
    found = asyncio.run(
        measure(
            int(sys.argv[1]), [(name, Path(folder), Path(keys).read_text().split()) for name, folder, keys in parts]
        )
    )
    print(json.dumps({name: [one.median, one.least, one.most] for name, one in found.items()}))
