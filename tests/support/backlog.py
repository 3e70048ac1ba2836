"""A backlog of the usage log that is too large for a read to fold first."""

from ari.instance import Instance
from ari.storage.usage.store import MAX_READ_ROWS
from ari.usage.ports import Batch
from tests.support.usage import KEY, make_row

AGE_MS = 60_000


def stage_backlog(instance: Instance, key_id: str = KEY, count: int = MAX_READ_ROWS + 1) -> int:
    """Fold what is staged, and stage so many requests with a key. Returns when the first of them began."""
    instance.database.usage.fold_all()
    began_ms = instance.now_ms() - AGE_MS
    rows = [make_row(began_ms + number // 1_000, key_id=key_id) for number in range(count)]
    instance.database.usage.commit(Batch(rows))
    return began_ms
