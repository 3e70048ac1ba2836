"""The benchmark of changed keys: it counts, on each database, what lookups next to changes read again."""

import argparse
from pathlib import Path
from typing import Any

from ari.storage.engine import KEYS_FILE
from benchmarks.key_mark import fill, measure
from tests.support.instances import opened


def test_changes_are_made_and_lookups_counted(data_dir: Path, database: Any) -> None:
    """Without changes, nothing is read again; with changes, some of it is."""
    given = argparse.Namespace(keys=50, clients=4, seconds=0.5, writers=1, fsync=False)
    with opened(data_dir, database.url) as instance:
        target = database.url or str(data_dir / KEYS_FILE)
        fill(instance.database, given.keys)
        quiet, busy = (measure(instance.database, target, given, rate) for rate in (0, 200))
    assert (quiet.changes, quiet.rows) == (0, 0)
    assert quiet.lookups > 0
    assert busy.changes > 0
    assert busy.rows > 0
