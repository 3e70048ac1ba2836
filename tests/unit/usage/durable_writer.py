"""A process that writes to the usage log without end and prints, line by line, what a caller would have seen.

Started by ``test_durability`` with the words ``DATA_DIR [DATABASE_URL]``, and killed by it.
"""

import asyncio
import os
import sys
from pathlib import Path

from ari.base.clock import SystemClock
from ari.storage.engine import Database
from ari.usage.model import Completion
from ari.usage.recorder import UsageRecorder
from tests.support.instances import settings_for
from tests.support.usage import make_row

WRITERS = 16
KEYS = [f"key_{n:026}" for n in range(5)]


async def write_forever(usage: UsageRecorder, clock: SystemClock, writer: int) -> None:
    """Accepted and refused requests of known keys, and attempts without one, in turns."""
    turn = writer
    while True:
        turn += 1
        key_id = KEYS[turn % len(KEYS)]
        if turn % 7 == 0:
            await usage.count("unknown", f"192.0.2.{turn % 50}")
            report("attempt")
        elif turn % 3 == 0:
            await usage.write(make_row(clock.now_ms(), key_id=key_id, code="revoked", status=401))
            report(f"refused {key_id}")
        else:
            row = make_row(clock.now_ms(), key_id=key_id, status=None)
            await usage.write(row)
            report(f"ok {row.id}")
            usage.complete(Completion(row.id, 200, 1.0, None))


def report(line: str) -> None:
    """At once and whole: a buffer of this process dies with it."""
    os.write(1, f"{line}\n".encode())


async def write(data_dir: Path, url: str | None) -> None:
    """Run until killed."""
    settings = settings_for(data_dir, url)
    clock = SystemClock()
    usage = UsageRecorder(Database.open(settings).usage, clock, settings, lambda: 10**12)
    await usage.start()
    await asyncio.gather(*(write_forever(usage, clock, writer) for writer in range(WRITERS)))


def main() -> None:
    """Write, as the arguments say."""
    asyncio.run(write(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
