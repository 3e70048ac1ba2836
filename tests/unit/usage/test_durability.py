"""Promise 2: what a caller saw is in the log, even after ``kill -9``."""

import os
import random
from collections import Counter
from pathlib import Path

from sqlalchemy import func, select

from ari.storage.tables import usage_attempts, usage_rows
from tests.support import forked
from tests.support.instances import opened
from tests.support.usage import read_sums

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
