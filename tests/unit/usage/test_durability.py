"""Promise 2: what a caller saw is in the log, even after ``kill -9``."""

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

from sqlalchemy import func, select

from ari.base.settings import Settings
from ari.storage.tables import usage_attempts, usage_rows
from ari.usage.model import Completion
from ari.usage.recorder import UsageRecorder
from tests.support import forked
from tests.support.clock import FrozenClock
from tests.support.instances import START_MS, opened
from tests.support.usage import make_row, read_sums
from tests.unit.usage.fakes import FakeStore

ROUNDS = 4


def _run_until_killed(data_dir: Path, url: str | None, lines: int) -> list[str]:
    """The writer's output before it was killed, at least ``lines`` of it."""
    words = [str(data_dir), *([url] if url else [])]
    reader, output = os.pipe()
    with os.fdopen(reader, "rb") as told, Path(os.devnull).open("rb") as nothing:
        streams = (nothing.fileno(), output, 2)
        writer = forked.start(words, os.environ, data_dir, *streams, module="tests.unit.usage.durable_writer")
        os.close(output)
        first = [told.readline() for _ in range(lines)]
        writer.kill()
        rest = told.readlines()
    writer.wait()
    whole = [line.decode().strip() for line in [*first, *rest] if line.endswith(b"\n")]
    assert len(whole) >= lines, "the writer ended by itself"
    return whole


def test_what_was_reported_is_in_the_log_exactly_once(data_dir: Path, database_url: str | None) -> None:
    """Killed under load: each reported row is there once, no refusal or attempt is missing, all sums agree."""
    chance = random.Random()
    with opened(data_dir, database_url) as instance:
        told: list[str] = []
        for _ in range(ROUNDS):
            told += _run_until_killed(data_dir, database_url, chance.randrange(1, 1_500))
            engine = instance.database.log
            by_key = read_sums(instance.database)
            with engine.connect() as connection:
                stored = Counter(connection.scalars(select(usage_rows.c.id)))
                attempts = connection.scalar(select(func.sum(usage_attempts.c["count"]))) or 0
            accepted = [line.removeprefix("ok ") for line in told if line.startswith("ok ")]
            assert len(set(accepted)) == len(accepted)
            assert {row_id: stored[row_id] for row_id in accepted} == dict.fromkeys(accepted, 1)
            refused = Counter(line.removeprefix("refused ") for line in told if line.startswith("refused "))
            assert all(count <= by_key[key_id][1] for key_id, count in refused.items())
            assert told.count("attempt") <= attempts


def test_what_a_loop_left_is_written_by_the_stop_on_another(tmp_path: Path) -> None:
    """Promise 2, in scripts and tests with a loop for each call: nothing waits for a loop that has ended."""
    store = FakeStore()
    usage = UsageRecorder(store, FrozenClock(START_MS), Settings(data_dir=tmp_path), lambda: 2**40)
    row = make_row()

    async def serve() -> None:
        await usage.start()
        await usage.write(row)
        usage.complete(Completion(row.id, 200, 1.0, None))

    asyncio.run(serve())
    asyncio.run(usage.stop())
    assert [[done.id for done in batch.completions] for batch in store.batches] == [[], [row.id]]
